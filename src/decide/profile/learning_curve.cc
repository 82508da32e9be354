#include "decide/profile/learning_curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "decide/profile/nnls.h"

namespace ekya::profile {
namespace {

constexpr int kLevels = 24;              // Values of b2 that are tried.
constexpr double kSmallestError = 1e-4;  // An error of 0 has no reciprocal.

}  // namespace

double LearningCurve::Member::At(double work) const {
  const double denominator = b0 * work + b1;
  if (denominator <= 0) return 0;
  return std::clamp(1 - (1 / denominator + b2), 0.0, 1.0);
}

Result<LearningCurve> LearningCurve::Fit(const std::vector<CurvePoint>& points, double noise) {
  if (points.empty()) return Error{ErrorCode::kInvalid, "no accuracy was measured"};
  for (const CurvePoint& point : points) {
    if (!(point.work >= 0 && std::isfinite(point.work)) ||
        !(point.accuracy >= 0 && point.accuracy <= 1)) {
      return Error{
          ErrorCode::kInvalid,
          fmt::format("a learning curve's point has accuracy {} after work {}, expected an "
                      "accuracy from 0 to 1 and work of at least 0",
                      point.accuracy, point.work)};
    }
  }
  if (!(noise > 0 && std::isfinite(noise))) {
    return Error{ErrorCode::kInvalid, fmt::format("a learning curve's noise is {}, expected more "
                                                  "than 0",
                                                  noise)};
  }

  const double count = static_cast<double>(points.size());
  double mean = 0;
  double least_error = 1;
  double most_work = 0;
  for (const CurvePoint& point : points) {
    mean += point.accuracy / count;
    least_error = std::min(least_error, 1 - point.accuracy);
    most_work = std::max(most_work, point.work);
  }
  LearningCurve curve;
  const auto add = [&](double b0, double b1, double b2, double log_prior) {
    Member member{b0, b1, b2, 0};
    double squares = 0;
    for (const CurvePoint& point : points) {
      const double miss = member.At(point.work) - point.accuracy;
      squares += miss * miss;
    }
    member.weight = log_prior - squares / (2 * noise * noise);
    curve.members_.push_back(member);
  };

  // The curve that learns nothing: one parameter.
  add(0, 1 / std::max(1 - mean, kSmallestError), 0, 0);
  // Curves that learn: one parameter more costs half a log of the number of points (Schwarz 1978),
  // and all levels of b2 together weigh as much as the flat curve.
  if (points.size() >= 2 && most_work > 0) {
    const double log_prior = -0.5 * std::log(count) - std::log(static_cast<double>(kLevels));
    for (int level = 0; level < kLevels; ++level) {
      const double b2 = least_error * level / kLevels;
      // 1 / (error - b2) = b0 k + b1 is linear; weighting a row by (error - b2)^2 makes its
      // residual one of accuracy, to first order. Work in units of the most: a well scaled matrix.
      std::vector<double> a;
      std::vector<double> b;
      for (const CurvePoint& point : points) {
        const double error = std::max(1 - point.accuracy - b2, kSmallestError);
        a.push_back(error * error * point.work / most_work);
        a.push_back(error * error);
        b.push_back(error);
      }
      const std::vector<double> x = SolveNonNegative(a, b, 2);
      // A slope of 0 is the flat curve again.
      if (x[0] > 0) add(x[0] / most_work, x[1], b2, log_prior);
    }
  }

  double best = curve.members_.front().weight;
  for (const Member& member : curve.members_) best = std::max(best, member.weight);
  double sum = 0;
  for (Member& member : curve.members_) {
    member.weight = std::exp(member.weight - best);
    sum += member.weight;
  }
  for (Member& member : curve.members_) member.weight /= sum;
  return curve;
}

double LearningCurve::At(double work) const {
  double mean = 0;
  for (const Member& member : members_) mean += member.weight * member.At(work);
  return std::clamp(mean, 0.0, 1.0);
}

double LearningCurve::Spread(double work) const {
  const double mean = At(work);
  double variance = 0;
  for (const Member& member : members_) {
    const double miss = member.At(work) - mean;
    variance += member.weight * miss * miss;
  }
  return std::sqrt(variance);
}

}  // namespace ekya::profile
