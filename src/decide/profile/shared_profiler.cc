#include "decide/profile/shared_profiler.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ekya::profile {
namespace {

// The belief's constants follow what is new at once and make it too unsure of what comes of it:
// spreads begin at this part of its own, as if so many estimates had come true so.
constexpr double kSpreadScale = 0.4;
constexpr double kSpreadScaleWeight = 10;
constexpr double kLeastSpreadScale = 0.1;

/// The middle of what `window` trains on: the first two thirds of the window before it.
double LearnedAt(int window) { return window - 2.0 / 3; }

MicroProfilerSettings Shared(MicroProfilerSettings settings) {
  settings.share_trials = true;
  return settings;
}

}  // namespace

SharedProfiler::SharedProfiler(SharedProfilerSettings settings,
                               std::vector<RetrainingConfiguration> grid)
    : settings_(settings),
      grid_(std::move(grid)),
      profiler_(Shared(settings.trials), grid_),
      belief_(settings.belief),
      spread_scale_{kSpreadScale * kSpreadScale * kSpreadScaleWeight, kSpreadScaleWeight} {}

void SharedProfiler::SpreadScale::Learn(const Promise& promise, const std::vector<Sight>& sights,
                                        double alike) {
  double right = 0;
  double labelled = 0;
  for (const Sight& sight : sights) {
    right += sight.accuracy * sight.labelled;
    labelled += sight.labelled;
  }
  if (!(promise.spread > 0) || labelled == 0) return;
  const double off = promise.accuracy - right / labelled;
  // What the labelled samples leave to chance is not the estimate's.
  const double chance = alike * promise.accuracy * (1 - promise.accuracy) / labelled;
  squares += (off * off - chance) / (promise.spread * promise.spread);
  weight += 1;
}

double SharedProfiler::SpreadScale::Value() const {
  return std::sqrt(std::max(squares / weight, kLeastSpreadScale * kLeastSpreadScale));
}

const RetrainingConfiguration* SharedProfiler::Find(const std::string& id) const {
  const auto found =
      std::find_if(grid_.begin(), grid_.end(),
                   [&](const RetrainingConfiguration& known) { return known.id == id; });
  return found == grid_.end() ? nullptr : &*found;
}

BelievedModel& SharedProfiler::Served(const std::string& stream) {
  const auto [served, fresh] = served_.try_emplace(stream);
  if (fresh) served->second = {stream, models_++, LearnedAt(1)};
  return served->second;
}

BelievedModel SharedProfiler::Retrained(TrainingState state) {
  BelievedModel model = belief_.Trained(Served(stream_), state, LearnedAt(window_));
  model.number = models_++;
  return model;
}

std::vector<Belief::Accuracy> SharedProfiler::Believed(const std::vector<TrainingState>& states) {
  std::vector<BelievedModel> models;
  for (const TrainingState& state : states) models.push_back(Retrained(state));
  return belief_.At(models, window_ + 0.5);
}

void SharedProfiler::Achieved(const std::string& stream, int window,
                              const std::string& configuration, const std::vector<Sight>& before,
                              const std::vector<Sight>& after, double device_seconds) {
  stream_ = stream;
  window_ = window;
  BelievedModel& served = Served(stream);
  for (const Sight& sight : before) belief_.Saw(served, sight);
  if (const RetrainingConfiguration* const known = Find(configuration)) {
    served = Retrained(StateAfter(*known));
  }
  for (const Sight& sight : after) belief_.Saw(served, sight);
  const Promise promised = promised_[stream][configuration];
  if (promised.device_seconds > 0 && device_seconds > 0) {
    log_seconds_.Learn(stream, configuration,
                       std::log(std::clamp(device_seconds / promised.device_seconds, 0.05, 20.0)));
  }
  spread_scale_.Learn(promised, after, settings_.belief.alike);
}

void SharedProfiler::Begin(const std::string& stream, int window, const Sight& held_out) {
  stream_ = stream;
  window_ = window;
  held_out_ = held_out;
  ++group_;
  belief_.Saw(Served(stream), held_out, group_);
  trials_ = profiler_.Trials(stream);
  trial_seconds_.assign(trials_.size(), 0);
  values_.clear();
  spent_ = 0;
  estimates_.clear();
  halving_ = SuccessiveHalving(trials_.size(), settings_.trials.epochs);
  rung_open_ = false;
}

double SharedProfiler::ExpectedSeconds(const RetrainingConfiguration& configuration) const {
  const auto pace = paces_.find(configuration.trained_stages);
  if (pace == paces_.end()) return 0;
  return full_samples_ * configuration.sample_fraction *
         (pace->second.once + pace->second.epoch * configuration.epochs);
}

double SharedProfiler::ExpectedSeconds(const Trial& trial) const {
  RetrainingConfiguration epoch = trial.configuration;
  epoch.sample_fraction = trial.sample_fraction;
  epoch.epochs = 1;
  return ExpectedSeconds(epoch);
}

std::vector<std::pair<std::size_t, Trial>> SharedProfiler::NextTrials() {
  if (rung_open_) {
    std::vector<double> values;
    for (const std::size_t place : halving_.Next()) values.push_back(values_[place]);
    halving_.EndRung(values);
  }
  rung_open_ = true;
  values_.assign(trials_.size(), std::numeric_limits<double>::quiet_NaN());
  double all = 0;
  for (const RetrainingConfiguration& configuration : grid_) all += ExpectedSeconds(configuration);
  std::vector<std::pair<std::size_t, Trial>> next;
  double planned = spent_;
  for (const std::size_t place : halving_.Next()) {
    planned += ExpectedSeconds(trials_[place]);
    // Where nothing is known of what trials take, they are made to find out.
    if (all > 0 && planned > settings_.most_of_exhaustive * all) continue;
    next.emplace_back(place, trials_[place]);
  }
  return next;
}

void SharedProfiler::Tried(std::size_t place, const Result<TrialResult>& result) {
  if (!result.ok() || result->accuracy.empty() || result->trial_samples <= 0 ||
      result->full_samples <= 0) {
    return;
  }
  const Trial& trial = trials_.at(place);
  spent_ += result->device_seconds - trial_seconds_[place];
  trial_seconds_[place] = result->device_seconds;
  full_samples_ = static_cast<int>(
      std::lround(result->full_samples / std::max(trial.configuration.sample_fraction, 1e-9)));
  paces_[trial.configuration.trained_stages] = {
      result->device_seconds_once / result->trial_samples,
      result->device_seconds_per_epoch / result->trial_samples};
  const double part = static_cast<double>(result->trial_samples) / full_samples_;
  belief_.Right(Retrained({trial.configuration.trained_stages,
                           part * EffectiveEpochs(static_cast<double>(result->accuracy.size()))}),
                held_out_.time, result->accuracy.back(), result->held_out, group_);
  // A trial is worth what the best configuration that it speaks for is believed to give.
  std::vector<TrainingState> states;
  for (const RetrainingConfiguration& configuration : profiler_.Candidates(stream_)) {
    if (profiler_.SpeaksFor(trial, configuration)) states.push_back(StateAfter(configuration));
  }
  double best = 0;
  for (const Belief::Accuracy& found : Believed(states)) {
    best = std::max(best, found.mean);
  }
  values_[place] = best;
}

std::vector<RetrainingProfile> SharedProfiler::Estimates() {
  std::vector<TrainingState> states;
  for (const RetrainingConfiguration& configuration : grid_) {
    states.push_back(StateAfter(configuration));
  }
  const std::vector<Belief::Accuracy> found = Believed(states);
  estimates_.clear();
  for (std::size_t i = 0; i < grid_.size(); ++i) {
    const double seconds = ExpectedSeconds(grid_[i]);
    promised_[stream_][grid_[i].id] = {seconds, found[i].mean, found[i].spread};
    estimates_.push_back({grid_[i].id, found[i].mean,
                          seconds * std::exp(log_seconds_.For(stream_, grid_[i].id)),
                          found[i].spread * spread_scale_.Value()});
  }
  return estimates_;
}

void SharedProfiler::EndWindow() { profiler_.EndWindow(stream_, estimates_); }

}  // namespace ekya::profile
