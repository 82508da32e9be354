#include "run/processes/worker.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <messages.grpc.pb.h>
#include <sys/types.h>

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "platform/resources/share.h"
#include "run/processes/convert.h"
#include "run/processes/process.h"
#include "run/processes/tls.h"
#include "run/workers/learning_worker.h"
#include "run/workers/stream_worker.h"

namespace ekya::processes {
namespace {

/// Answers with what `work` gives, or with why it does not.
template <typename Reply, typename T>
grpc::Status Answer(const Result<T>& result, Reply* reply) {
  if (!result.ok()) return AsStatus(Status(result.error()));
  *reply = Pack(*result);
  return grpc::Status::OK;
}

std::vector<workers::FrameLabel> LabelsOf(
    const google::protobuf::RepeatedPtrField<messages::FrameLabel>& packed) {
  std::vector<workers::FrameLabel> labels;
  for (const auto& label : packed) labels.push_back(Unpack(label));
  return labels;
}

class StreamServer : public messages::StreamWorker::Service {
 public:
  explicit StreamServer(workers::StreamService& worker) : worker_(worker) {}

  grpc::Status Open(grpc::ServerContext*, const messages::Nothing*,
                    messages::StreamInfo* reply) override {
    return Answer(worker_.Open(), reply);
  }
  grpc::Status ReadAhead(grpc::ServerContext*, const messages::Nothing*,
                         messages::Nothing*) override {
    return AsStatus(worker_.ReadAhead());
  }
  grpc::Status Profile(grpc::ServerContext*, const messages::Nothing*,
                       messages::ServingProfile* reply) override {
    return Answer(worker_.Profile(), reply);
  }
  grpc::Status Start(grpc::ServerContext*, const messages::StartRequest* request,
                     messages::Nothing*) override {
    return AsStatus(worker_.Start(request->run_start()));
  }
  grpc::Status BeginWindow(grpc::ServerContext*, const messages::WindowStart* request,
                           messages::Nothing*) override {
    return AsStatus(worker_.BeginWindow(request->window(), request->from_seconds()));
  }
  grpc::Status Stop(grpc::ServerContext*, const messages::Nothing*, messages::Nothing*) override {
    worker_.Stop();
    return grpc::Status::OK;
  }
  grpc::Status Serve(grpc::ServerContext*, const messages::ServeRequest* request,
                     messages::Nothing*) override {
    return AsStatus(worker_.Serve(Unpack(*request)));
  }
  grpc::Status Configure(grpc::ServerContext*, const messages::ConfigureRequest* request,
                         messages::Nothing*) override {
    return AsStatus(worker_.Configure(request->inference_configuration()));
  }
  grpc::Status SetShare(grpc::ServerContext*, const messages::Share* request,
                        messages::Nothing*) override {
    return AsStatus(worker_.SetShare(request->cores(), request->core()));
  }
  grpc::Status WriteFrames(grpc::ServerContext*, const messages::WriteFramesRequest* request,
                           messages::WriteFramesReply* reply) override {
    const auto frames = worker_.WriteFrames(request->window(), request->file());
    if (!frames.ok()) return AsStatus(Status(frames.error()));
    reply->set_frames(*frames);
    return grpc::Status::OK;
  }
  grpc::Status Judge(grpc::ServerContext*, const messages::JudgeRequest* request,
                     messages::JudgedLabels* reply) override {
    return Answer(worker_.Judge(LabelsOf(request->labels()), request->last()), reply);
  }
  grpc::Status EndInterval(grpc::ServerContext*, const messages::Interval* request,
                           messages::IntervalTally* reply) override {
    return Answer(worker_.EndInterval(request->from_seconds(), request->to_seconds()), reply);
  }
  grpc::Status Served(grpc::ServerContext*, const messages::Interval* request,
                      messages::ServedResults* reply) override {
    return Answer(worker_.Served(request->from_seconds(), request->to_seconds()), reply);
  }
  grpc::Status Pulse(grpc::ServerContext*, const messages::Nothing*,
                     messages::StreamPulse* reply) override {
    *reply = Pack(worker_.Pulse());
    return grpc::Status::OK;
  }

 private:
  workers::StreamService& worker_;
};

class LearningServer : public messages::LearningWorker::Service {
 public:
  explicit LearningServer(workers::LearningService& worker) : worker_(worker) {}

  grpc::Status SetShare(grpc::ServerContext*, const messages::Share* request,
                        messages::Nothing*) override {
    return AsStatus(worker_.SetShare(request->cores(), request->core()));
  }
  grpc::Status Label(grpc::ServerContext*, const messages::LabelRequest* request,
                     messages::WindowLabels* reply) override {
    return Answer(worker_.Label(Unpack(request->pupil()), request->window(), request->frames()),
                  reply);
  }
  grpc::Status Take(grpc::ServerContext*, const messages::TakeRequest* request,
                    messages::TakenIn* reply) override {
    const std::optional<std::string> served =
        request->has_served() ? std::optional(request->served()) : std::nullopt;
    return Answer(worker_.Take(Unpack(request->pupil()), request->window(), request->frames(),
                               LabelsOf(request->labels()), served),
                  reply);
  }
  grpc::Status Train(grpc::ServerContext*, const messages::TrainingJob* request,
                     messages::TrainingReport* reply) override {
    return Answer(worker_.Train(Unpack(*request)), reply);
  }
  grpc::Status Compare(grpc::ServerContext*, const messages::CompareRequest* request,
                       messages::PairedMeasure* reply) override {
    return Answer(worker_.Compare(Unpack(request->pupil()), request->window(), request->served(),
                                  request->candidate()),
                  reply);
  }
  grpc::Status Cancel(grpc::ServerContext*, const messages::Nothing*, messages::Nothing*) override {
    worker_.Cancel();
    return grpc::Status::OK;
  }
  grpc::Status Release(grpc::ServerContext*, const messages::Nothing*,
                       messages::Nothing*) override {
    worker_.Release();
    return grpc::Status::OK;
  }
  grpc::Status Pulse(grpc::ServerContext*, const messages::Nothing*,
                     messages::LearningPulse* reply) override {
    *reply = Pack(worker_.Pulse());
    return grpc::Status::OK;
  }

 private:
  workers::LearningService& worker_;
};

Status Serve(grpc::Service& service, const WorkerRequest& request) {
  grpc::ServerBuilder builder;
  if (request.listen.empty()) {
    // The folder is its owner's alone: whoever reaches the socket is.
    builder.AddListeningPort("unix:" + request.socket.string(), grpc::InsecureServerCredentials());
  } else {
    EKYA_ASSIGN(const TlsIdentity identity, ReadTlsIdentity(request.tls_folder));
    builder.AddListeningPort(request.listen, ServerCredentialsOf(identity));
  }
  builder.RegisterService(&service);
  // One queue, not one for each processor: calls are few, and every queue has threads of its own.
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    return Error{ErrorCode::kFailed,
                 fmt::format("worker {}: cannot listen at {}", request.name,
                             request.listen.empty() ? request.socket.string() : request.listen)};
  }
  // Its parent ends it, and its destructors then take its control groups away.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  int number = 0;
  while (sigwait(&ends, &number) != 0) continue;
  server->Shutdown(gpr_inf_past(GPR_CLOCK_MONOTONIC));  // Nobody is waited for.
  return {};
}

}  // namespace

Status RunWorker(const Site& site, const WorkerRequest& request) {
  if (request.listen.empty() && request.socket.empty()) {
    return Error{ErrorCode::kInvalid, "found neither --socket nor --listen, expected one of them"};
  }
  if (request.parent != 0) DieWithParent(static_cast<pid_t>(request.parent));
  // An interruption from the terminal reaches the whole group: the parent ends its workers in
  // order.
  signal(SIGINT, SIG_IGN);
  // Of every thread that starts from here: Serve waits for it.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  EKYA_ASSIGN(const auto enforcer, resources::MakeShareEnforcer(site.compute.enforcement));
  if (const Status joined = enforcer->JoinService(); !joined.ok()) {
    Log(LogLevel::kDebug, request.name, "{}", joined.error().message);
  }
  if (request.learning) {
    workers::LearningWorker worker(request.name, {site, request.seed, request.out, *enforcer});
    LearningServer server(worker);
    return Serve(server, request);
  }
  const CameraSettings* const camera = FindCamera(site, request.name);
  if (camera == nullptr) {
    return Error{ErrorCode::kInvalid, "the site has no camera " + request.name};
  }
  workers::StreamWorker worker(*camera, ModelOf(site, camera->id),
                               {site, request.seed, request.out, MonotonicClock(), *enforcer});
  StreamServer server(worker);
  return Serve(server, request);
}

}  // namespace ekya::processes
