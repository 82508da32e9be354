#pragma once

#include <fmt/format.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "run/processes/call_limit.h"
#include "run/processes/convert.h"
#include "run/processes/supervised.h"

namespace ekya::processes {

/// Calls that a worker answers at once may take so long before it counts as away.
inline constexpr double kQuickSeconds = 3;
/// So long a pulse may take: a worker that is stopped is noticed, ended and back within five
/// seconds.
inline constexpr double kPulseSeconds = 2;
/// Work takes as long as it takes: whether the worker still lives is the pulse's matter.
inline constexpr double kUnbounded = 0;

/// One call of `method` of `Service` over `channel`; null: kUnavailable. An error names `worker`.
template <typename Service, typename Request, typename Reply>
Status CallOver(const std::shared_ptr<grpc::Channel>& channel, const std::string& worker,
                grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                const Request& request, Reply* reply, double seconds) {
  if (channel == nullptr) {
    return Error{ErrorCode::kUnavailable, "worker " + worker + ": it is being started again"};
  }
  grpc::ClientContext context;
  const CallLimit limit(&context, seconds);
  const auto stub = Service::NewStub(channel);
  const Status status = FromStatus((stub.get()->*method)(&context, request, reply));
  if (!status.ok() && limit.reached()) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("worker {}: it has not answered for {:g} s", worker, seconds)};
  }
  if (!status.ok() && status.error().code == ErrorCode::kUnavailable) {
    return status.error().Within("worker " + worker);
  }
  return status;
}

}  // namespace ekya::processes
