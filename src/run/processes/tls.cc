#include "run/processes/tls.h"

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <messages.grpc.pb.h>

#include "base/clock.h"
#include "base/file.h"
#include "run/processes/call_limit.h"

namespace ekya::processes {
namespace {

constexpr double kSecondsBetweenKnocks = 0.1;
constexpr double kLongestAnswer = 5;

Result<std::string> ReadPem(const std::filesystem::path& file) {
  EKYA_ASSIGN(std::string text, ReadFile(file));
  if (text.find("-----BEGIN ") == std::string::npos) {
    return Error{ErrorCode::kInvalid, file.string() + ": found no PEM text, expected -----BEGIN"};
  }
  return text;
}

}  // namespace

Result<TlsIdentity> ReadTlsIdentity(const std::filesystem::path& folder) {
  TlsIdentity identity;
  EKYA_ASSIGN(identity.authorities, ReadPem(folder / "ca.pem"));
  EKYA_ASSIGN(identity.certificate, ReadPem(folder / "certificate.pem"));
  EKYA_ASSIGN(identity.key, ReadPem(folder / "key.pem"));
  using std::filesystem::perms;
  std::error_code failed;
  const auto status = std::filesystem::status(folder / "key.pem", failed);
  if (failed || (status.permissions() & (perms::group_all | perms::others_all)) != perms::none) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: others may read it, expected a file of its owner's alone (chmod "
                             "600)",
                             (folder / "key.pem").string())};
  }
  return identity;
}

std::shared_ptr<grpc::ServerCredentials> ServerCredentialsOf(const TlsIdentity& identity) {
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = identity.authorities;
  options.pem_key_cert_pairs = {{identity.key, identity.certificate}};
  return grpc::SslServerCredentials(options);
}

Result<std::shared_ptr<grpc::Channel>> ConnectOverTls(const std::string& address,
                                                      const TlsIdentity& identity, double seconds) {
  const grpc::SslCredentialsOptions options{identity.authorities, identity.key,
                                            identity.certificate};
  const double until = MonotonicClock().Now() + seconds;
  while (true) {
    // A channel for each attempt: gRPC would wait for its next one by the system's clock.
    grpc::ChannelArguments settings;
    settings.SetMaxReceiveMessageSize(-1);
    settings.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    auto channel = grpc::CreateCustomChannel(address, grpc::SslCredentials(options), settings);
    grpc::ClientContext context;
    const CallLimit limit(&context, kLongestAnswer);
    messages::LearningPulse reply;
    const grpc::Status asked =
        messages::LearningWorker::NewStub(channel)->Pulse(&context, messages::Nothing(), &reply);
    // Whatever it serves, it has answered.
    if (asked.ok() || asked.error_code() == grpc::StatusCode::UNIMPLEMENTED) return channel;
    if (MonotonicClock().Now() >= until) {
      return Error{
          ErrorCode::kUnavailable,
          fmt::format("worker {}: no connection by TLS: {}; expected a worker that listens "
                      "there, and at both ends a certificate of the other's authorities",
                      address, asked.error_message())};
    }
    MonotonicClock().SleepUntil(MonotonicClock().Now() + kSecondsBetweenKnocks);
  }
}

}  // namespace ekya::processes
