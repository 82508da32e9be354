#pragma once

#include <string>
#include <vector>

#include "core/outcomes.h"

namespace ekya::swap {

/// What two models were right on, sample by sample, on the same labelled ones: recent, later than
/// what the candidate trained on, of all classes, old ones included.
struct PairedOutcomes {
  /// Of each sample, in one order: 0 or 1 for a classifier's crops, F1 for a detector's pictures.
  std::vector<float> served;
  std::vector<float> candidate;
  /// For each class of each sample (a crop has one, a picture those of its objects), by which a
  /// lost class is found: the class, and how much of it either found there, 0..1. May be empty.
  std::vector<int> label = {};
  std::vector<float> label_served = {};
  std::vector<float> label_candidate = {};
  /// How little each expected to be as right or wrong as it was: LossOf its score. Empty where
  /// there is no one score (pictures).
  std::vector<float> served_loss = {};
  std::vector<float> candidate_loss = {};
};

/// The outcomes of both on the same items, item by item; `labels`: the classes of each item's
/// objects, in the order of Outcomes::found.
PairedOutcomes Paired(const Outcomes& served, const Outcomes& candidate,
                      const std::vector<std::vector<int>>& labels);

struct GateSettings {
  /// A candidate is promoted where chance alone would make an equal one look as good with at most
  /// this probability. Far above the usual 0.05: a retrained model has seen the newer world and is
  /// mostly better, and with 30 to 100 held-out samples a strict test keeps out much of what is a
  /// few points better, window after window, while the served model drifts away. In simulated
  /// drifting worlds (gate_test.cc) it serves within a point of the best level between 0.1 and
  /// 0.49, and more accurately than 0.05 and than "not worse by a standard error".
  double level = 0.4;
  /// Where both are right on the same samples but for chance, a candidate that is no less right is
  /// promoted if it is surer of what is right and less sure of what is wrong: where chance alone
  /// would make its mean loss as much smaller with at most this probability. A model that is right
  /// by a narrow margin is the next that a drifting world makes wrong.
  double loss_level = 0.05;
  /// A class is lost where the candidate is right on so much less of it...
  double class_loss = 0.2;
  /// ...and chance alone would do that with at most this probability, over all classes together.
  double class_level = 0.05;
};

/// Whether a retrained model may replace the served one.
struct GateResult {
  bool promote = false;
  std::string reason;  ///< Both accuracies, samples, on how many either is better, p value.
  double served = 0;   ///< Mean outcomes.
  double candidate = 0;
  int samples = 0;
  int better = 0;  ///< Samples on which the candidate's outcome is the better one.
  int worse = 0;
  double p_value = 0.5;       ///< Of the candidate being no better, one-sided.
  double loss_p_value = 0.5;  ///< Of its losses being no smaller; 0.5 where they are not known.
};

/// Compares a candidate with the served model by a paired test: McNemar's exact one (the sign test)
/// where outcomes are right or wrong, flipped signs of the differences elsewhere; where that does
/// not tell them apart, by the same test of their losses. Rejected as well: a candidate that loses
/// a class that the served model knows, whatever it gains elsewhere; and any where there is no
/// sample to compare on.
GateResult Judge(const PairedOutcomes& outcomes, const GateSettings& settings = {});

}  // namespace ekya::swap
