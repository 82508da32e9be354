#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "run/processes/supervised.h"
#include "run/workers/services.h"

namespace ekya::processes {

/// StreamService in a process of its own. One that dies is started again and brought to where it
/// was: the same model, share and configuration, the camera where it would be by now. What is set
/// while it is away holds from its return.
class RemoteStream : public workers::StreamService {
 public:
  struct Hooks {
    EventHook event;
    /// The model of `version` has broken its worker twice, or cannot be read: it is not to serve
    /// again. From the supervising thread, while the worker is away.
    std::function<void(std::int64_t version, const std::string& why)> broken =
        [](std::int64_t, const std::string&) {};
  };

  /// The process starts at once.
  RemoteStream(const std::string& name, Supervised::Command command, Hooks hooks);

  Result<workers::StreamInfo> Open() override;
  Status ReadAhead() override;
  Result<workers::ServingProfile> Profile() override;
  Status Start(double run_start) override;
  Status BeginWindow(int window, double from) override;
  void Stop() override;
  Status Serve(const workers::ServingVersion& version) override;
  Status Configure(const std::string& inference_configuration) override;
  Status SetShare(double cores, int core) override;
  Result<int> WriteFrames(int window, const std::string& file) override;
  Result<workers::JudgedLabels> Judge(const std::vector<workers::FrameLabel>& labels,
                                      std::int64_t last) override;
  Result<workers::IntervalTally> EndInterval(double from, double to) override;
  Result<std::vector<window::ServedResult>> Served(double from, double to) override;
  workers::StreamPulse Pulse() const override;

 private:
  /// What a new process is brought to.
  struct Wanted {
    bool opened = false;
    bool started = false;
    double run_start = 0;
    int window = -1;                  ///< The last that began before its time; -1: none did.
    double window_from = 0;           ///< Since when.
    workers::ServingVersion serving;  ///< Without weights: as it opened.
    std::string configuration;
    double cores = 0;
    int core = -1;
    bool share_set = false;
  };

  Status Ready(const std::shared_ptr<grpc::Channel>& channel);
  Status TakePulse(const std::shared_ptr<grpc::Channel>& channel);
  void Ended(int status);
  double SecondsBetweenPulses() const;
  /// As RemoteLearning::Share.
  double Share() const;

  const std::string name_;
  const Hooks hooks_;
  mutable std::mutex mutex_;
  // All below is guarded by mutex_.
  Wanted wanted_;
  bool stopped_ = false;
  double began_ = 0;  // its last process
  workers::StreamPulse pulse_;
  double lost_cpu_seconds_ = 0;  // of processes that have ended
  std::map<std::int64_t, int> breakdowns_;

  Supervised process_;  // last: its thread uses all the others
};

}  // namespace ekya::processes
