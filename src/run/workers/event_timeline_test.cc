#include "run/workers/event_timeline.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace ekya::workers {
namespace {

using window::Event;

TEST(EventTimeline, CountsFromItsOrigin) {
  Clock& clock = MonotonicClock();
  const EventTimeline timeline(clock, clock.Now() - 100);
  EXPECT_NEAR(timeline.Now(), 100, 5);
}

TEST(EventTimeline, GivesEventsInOrderButAStopFirst) {
  Clock& clock = MonotonicClock();
  EventTimeline timeline(clock, clock.Now());
  timeline.Post({Event::Kind::kRetrainingDone, "lobby", ""});
  timeline.Post({Event::Kind::kStreamGone, "door", ""});
  timeline.Post({Event::Kind::kStop, "", ""});
  EXPECT_EQ(timeline.WaitForEvent(0)->kind, Event::Kind::kStop);
  EXPECT_EQ(timeline.WaitForEvent(0)->stream, "lobby");
  EXPECT_EQ(timeline.WaitForEvent(0)->stream, "door");
  EXPECT_FALSE(timeline.WaitForEvent(0).has_value());
}

TEST(EventTimeline, WaitsUntilTheGivenTimeAndNoLess) {
  Clock& clock = MonotonicClock();
  EventTimeline timeline(clock, clock.Now());
  EXPECT_FALSE(timeline.WaitForEvent(0.05).has_value());
  EXPECT_GE(timeline.Now(), 0.05);
}

TEST(EventTimeline, AnEventEndsTheWait) {
  Clock& clock = MonotonicClock();
  EventTimeline timeline(clock, clock.Now());
  std::thread poster([&] { timeline.Post({Event::Kind::kStreamBack, "lobby", ""}); });
  const std::optional<Event> event = timeline.WaitForEvent(3600);
  poster.join();
  ASSERT_TRUE(event.has_value());
  EXPECT_LT(timeline.Now(), 60);
}

TEST(EventTimeline, LosesNoEventOfManyThreads) {
  Clock& clock = MonotonicClock();
  EventTimeline timeline(clock, clock.Now());
  std::vector<std::thread> posters;
  for (int poster = 0; poster < 4; ++poster) {
    posters.emplace_back([&] {
      for (int i = 0; i < 250; ++i) timeline.Post({Event::Kind::kStreamBack, "lobby", ""});
    });
  }
  int seen = 0;
  while (seen < 1000 && timeline.WaitForEvent(60)) ++seen;
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(seen, 1000);
  EXPECT_FALSE(timeline.WaitForEvent(0).has_value());
}

}  // namespace
}  // namespace ekya::workers
