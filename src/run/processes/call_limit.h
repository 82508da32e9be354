#pragma once

#include <grpcpp/client_context.h>

namespace ekya::processes {

/// Cancels a call that takes too long, by the monotonic clock. A deadline of gRPC's own waits for a
/// moment of the system's clock: where that is set back by an hour, it comes an hour late, and with
/// it everybody's whose worker has stopped. Any thread.
class CallLimit {
 public:
  /// From now on; before the call. `context` outlives this. Not positive: no limit.
  CallLimit(grpc::ClientContext* context, double seconds);
  ~CallLimit();
  CallLimit(const CallLimit&) = delete;
  CallLimit& operator=(const CallLimit&) = delete;

  /// Whether it has cancelled the call.
  bool reached() const;

 private:
  friend class CallLimits;
  grpc::ClientContext* const context_;
  const double until_;
  bool reached_ = false;  // guarded by the mutex of all limits
};

}  // namespace ekya::processes
