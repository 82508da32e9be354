#pragma once

namespace ekya::resources {

/// How long a paced job has to wait: it earns processor seconds at the rate of its share and pays
/// for what it used. Unused credit is kept for one period only, so that a job cannot save up and
/// then crowd out the others; a debt (a long minibatch) is kept until it is paid. Values only: the
/// caller brings the time, which must not go back.
class TokenBucket {
 public:
  /// Credit that is kept, as seconds of earning.
  static constexpr double kPeriodSeconds = 0.02;

  /// From `now` on earns `cores` processor seconds per second; cores >= 0.
  void SetRate(double now, double cores);
  /// Pays for processor seconds that were used up to `now`.
  void Charge(double now, double processor_seconds);
  /// Seconds from `now` until nothing is owed; 0 when nothing is, infinity when nothing is earned.
  double WaitSeconds(double now) const;

 private:
  void Earn(double now);

  double cores_ = 0;
  double balance_ = 0;  // Processor seconds; negative: owed.
  double settled_ = 0;  // The time up to which balance_ has earned.
};

}  // namespace ekya::resources
