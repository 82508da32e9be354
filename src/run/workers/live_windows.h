#pragma once

#include <atomic>
#include <cstddef>

#include "base/result.h"
#include "decide/window/conductor.h"
#include "decide/window/record.h"
#include "run/workers/event_timeline.h"
#include "run/workers/live_world.h"
#include "run/workers/recorder.h"
#include "run/workers/stream_set.h"
#include "run/workers/window_grid.h"

namespace ekya::workers {

/// Conducts one window after another, until the run is to stop. One thread; all outlive it.
class LiveWindows {
 public:
  /// `timeline`: the one that `conductor` waits on; `world`: the one that it conducts.
  LiveWindows(const StreamSet& streams, window::Conductor& conductor, EventTimeline& timeline,
              LiveWorld& world, Recorder& recorder, double window_seconds)
      : streams_(streams),
        conductor_(conductor),
        timeline_(timeline),
        world_(world),
        recorder_(recorder),
        window_seconds_(window_seconds) {}

  /// From `window` on, which lasts until `grid` says. `live_window` is that window's number among
  /// the live ones, from 1, and stays so. What was conducted is kept in `record` and told the
  /// recorder. Errors as Conductor::Run.
  Status Run(int window, WindowGrid grid, std::atomic<int>* live_window, window::RunRecord* record);
  /// Where the golden model is the judge: has it say what the last window's frames showed.
  void JudgeLast(window::RunRecord* record) { JudgeByGolden(last_, record); }

 private:
  /// Does nothing where that has been done, as it is for what is trained on. Takes half of a window
  /// at most: streams that it does not come to come first the next time.
  void JudgeByGolden(int window, window::RunRecord* record);
  void Keep(window::WindowRecord conducted, window::RunRecord* record);
  void BeginEarly(int window, double from);

  const StreamSet& streams_;
  window::Conductor& conductor_;
  EventTimeline& timeline_;
  LiveWorld& world_;
  Recorder& recorder_;
  const double window_seconds_;
  int last_ = 0;                  // that was conducted
  std::size_t first_judged_ = 0;  // the place of the stream whose turn it is
};

}  // namespace ekya::workers
