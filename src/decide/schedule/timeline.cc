#include "decide/schedule/timeline.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace ekya::schedule {
namespace {

/// Work, in device seconds, that is too little to be told from none by a replay in floating point.
constexpr double kNoWork = 1e-9;
/// Retrainings with less work left than this when another ends are waited for.
constexpr double kAlmostDone = 4e-6;
/// A replay counts a retraining as done when no more than this is missing.
constexpr double kReplaySlack = 1e-6;

bool Same(const Share& a, const Share& b) {
  return a.inference == b.inference && a.inference_device == b.inference_device &&
         a.retraining == b.retraining && a.retraining_quanta == b.retraining_quanta &&
         a.retraining_device == b.retraining_device;
}

}  // namespace

Course::Course(const Problem& problem) : problem_(&problem), states_(problem.start) {}

std::vector<int> Course::Run(const std::vector<Share>& shares, double until) {
  EKYA_CHECK(shares.size() == states_.size());
  const int count = problem_->count();
  until = std::min(until, problem_->window);
  double end = until;
  for (int s = 0; s < count; ++s) {
    StreamState& state = states_[s];
    const Share& share = shares[s];
    if (share.retraining < 0) {
      state.running = -1;  // Stopped, or never started.
      continue;
    }
    if (share.retraining_quanta == 0) continue;
    EKYA_CHECK(!state.retrained, "a second retraining in one window");
    if (state.running < 0) {
      state.running = share.retraining;
      state.work_left = problem_->streams[s].retrainings[share.retraining].device_seconds;
      state.device = share.retraining_device;
    }
    EKYA_CHECK(state.running == share.retraining && state.device == share.retraining_device);
    end =
        std::min(end, now_ + state.work_left / problem_->streams[s].speed[share.retraining_quanta]);
  }
  for (bool later = end < until; later;) {
    later = false;
    for (int s = 0; s < count; ++s) {
      if (states_[s].running < 0 || shares[s].retraining_quanta == 0) continue;
      const double rate = problem_->streams[s].speed[shares[s].retraining_quanta];
      const double rest = states_[s].work_left - rate * (end - now_);
      if (rest <= kNoWork || rest > kAlmostDone) continue;
      end = std::min(until, now_ + states_[s].work_left / rate);
      later = end < until;
    }
  }
  Stretch stretch{now_, end, shares, {}};
  std::vector<int> done;
  for (int s = 0; s < count; ++s) {
    StreamState& state = states_[s];
    const StreamChoices& stream = problem_->streams[s];
    const Level& level = problem_->LevelAt(stream, shares[s].inference);
    stretch.levels.push_back(level.option);
    worth_ += problem_->Worth(stream, state.accuracy, level) * (end - now_);
    if (state.running < 0 || shares[s].retraining_quanta == 0) continue;
    state.work_left -= stream.speed[shares[s].retraining_quanta] * (end - now_);
    if (state.work_left > kNoWork) continue;
    state.accuracy = stream.retrainings[state.running].accuracy;
    state.running = -1;
    state.work_left = 0;
    state.retrained = true;
    done.push_back(s);
  }
  const bool unchanged =
      !stretches_.empty() && stretches_.back().levels == stretch.levels &&
      std::equal(shares.begin(), shares.end(), stretches_.back().shares.begin(), Same);
  if (unchanged) {
    stretches_.back().to = end;
  } else {
    stretches_.push_back(std::move(stretch));
  }
  now_ = end;
  return done;
}

std::vector<Segment> Course::Segments(const Situation& situation) const {
  std::vector<Segment> segments;
  for (const Stretch& stretch : stretches_) {
    Segment segment{stretch.from, stretch.to, std::vector<Allocation>(situation.streams.size())};
    for (int s = 0; s < problem_->count(); ++s) {
      const StreamSituation& stream = situation.streams[problem_->streams[s].index];
      const Share& share = stretch.shares[s];
      Allocation& job = segment.jobs[problem_->streams[s].index];
      job.stream = stream.id;
      if (stretch.levels[s] >= 0) job.inference = stream.inference[stretch.levels[s]].id;
      job.inference_quanta = share.inference;
      job.inference_device = share.inference_device;
      if (share.retraining >= 0) job.retraining = stream.retraining[share.retraining].id;
      job.retraining_quanta = share.retraining_quanta;
      job.retraining_device = share.retraining_device;
    }
    segments.push_back(std::move(segment));
  }
  return segments;
}

Measurement Measure(const Situation& situation, const std::vector<Segment>& timeline) {
  Measurement measured;
  const std::size_t count = situation.streams.size();
  struct Progress {
    double accuracy;
    double floor;
    double work = 0;  ///< Device seconds done.
    bool done = false;
  };
  std::vector<Progress> progress;
  std::vector<double> total(count, 0.0);
  for (const StreamSituation& stream : situation.streams) {
    double best = 0;
    for (const InferenceProfile& profile : stream.inference) {
      best = std::max(best, profile.factor);
    }
    progress.push_back(
        {stream.accuracy, std::min(situation.accuracy_floor, stream.accuracy * best)});
  }
  for (const Segment& segment : timeline) {
    EKYA_CHECK(segment.jobs.size() == count);
    const double length = segment.to_seconds - segment.from_seconds;
    for (std::size_t s = 0; s < count; ++s) {
      const Allocation& job = segment.jobs[s];
      const StreamSituation& stream = situation.streams[s];
      double factor = 0;
      for (const InferenceProfile& profile : stream.inference) {
        if (profile.id == job.inference) factor = profile.factor;
      }
      const double now = progress[s].accuracy * factor;
      total[s] += now * length;
      if (length >= 1e-9 && now < progress[s].floor - 1e-9) measured.floor_kept = false;
      if (job.retraining_quanta == 0 || progress[s].done) continue;
      progress[s].work += Speed(stream.throughput, static_cast<double>(job.retraining_quanta) /
                                                       situation.quanta_per_device) *
                          length;
      for (const RetrainingProfile& profile : stream.retraining) {
        if (profile.id != job.retraining) continue;
        // A retraining that ran already when the situation was taken has less to do.
        const double needed = stream.running && stream.running->id == profile.id
                                  ? stream.running->device_seconds
                                  : profile.device_seconds;
        if (progress[s].work < needed - kReplaySlack) break;
        progress[s].done = true;
        progress[s].accuracy = profile.accuracy;
        break;
      }
    }
  }
  double sum = 0;
  double weights = 0;
  for (std::size_t s = 0; s < count; ++s) {
    sum += situation.streams[s].weight * total[s];
    weights += situation.streams[s].weight;
  }
  for (const Progress& stream : progress) measured.end_accuracy.push_back(stream.accuracy);
  measured.mean_accuracy = sum / weights / situation.window_seconds;
  return measured;
}

Schedule MakeSchedule(const Situation& situation, const Course& course, std::string scheduler) {
  EKYA_CHECK(course.over());
  Schedule schedule;
  schedule.scheduler = std::move(scheduler);
  schedule.timeline = course.Segments(situation);
  const Measurement measured = Measure(situation, schedule.timeline);
  schedule.mean_accuracy = measured.mean_accuracy;
  schedule.floor_feasible = measured.floor_kept;
  for (std::size_t s = 0; s < situation.streams.size(); ++s) {
    schedule.outcome.push_back({situation.streams[s].id, measured.end_accuracy[s]});
  }
  return schedule;
}

}  // namespace ekya::schedule
