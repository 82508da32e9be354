#pragma once

#include <map>
#include <string>

namespace ekya::profile {

/// What estimates of one kind turned out to be off by, learned from what was measured afterwards.
/// An error has four parts, from the common to the particular: of all estimates, of a
/// configuration, of a stream, of this configuration for this stream. Each is a mean over what the
/// parts before it leave, drawn towards 0 where little was measured, so that a new stream profits
/// from the others and a single odd measurement moves little.
class Correction {
 public:
  /// `usual`: the standard deviation that corrected estimates are taken to have before any was
  /// measured.
  explicit Correction(double usual = 0.05) : squares_(usual * usual * kUsualWeight) {}

  /// The estimate for `configuration` of `stream` was too low by `error`. Errors that are not
  /// finite are passed over.
  void Learn(const std::string& stream, const std::string& configuration, double error);

  /// What to add to an estimate. 0 before anything was learned.
  double For(const std::string& stream, const std::string& configuration) const;

  /// Standard deviation of what corrected estimates were still off by: their spread, where they
  /// have none of their own.
  double Deviation() const;

 private:
  static constexpr double kUsualWeight = 3;

  struct Errors {
    double sum = 0;
    double weight = 0;
  };
  using ByName = std::map<std::string, Errors>;

  double OfConfiguration(const std::string& configuration, double common) const;

  double squares_;  // Of what was left after correction.
  double measured_ = kUsualWeight;
  Errors all_;
  ByName by_configuration_;
  std::map<std::string, ByName> by_stream_;  // Then by configuration.
};

}  // namespace ekya::profile
