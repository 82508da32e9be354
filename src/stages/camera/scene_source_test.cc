#include "stages/camera/scene_source.h"

#include <cairo.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "stages/camera/internal/scene/coverage.h"
#include "stages/camera/internal/scene/script.h"
#include "stages/camera/internal/scene/world.h"

namespace ekya::camera {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CameraSettings Settings(const std::string& id = "crossing") {
  CameraSettings settings;
  settings.id = id;
  settings.url = "scene:intersection";
  return settings;
}

std::unique_ptr<Source> Open(const CameraSettings& settings, std::uint64_t seed) {
  auto source = OpenScene(settings, seed);
  EXPECT_TRUE(source.ok()) << source.error().message;
  return source.ok() ? std::move(*source) : nullptr;
}

Frame Next(Source& source) {
  auto frame = source.Next();
  EXPECT_TRUE(frame.ok() && frame->has_value());
  return std::move(**frame);
}

double Brightness(const Frame& frame) {
  const auto& pixels = frame.image.pixels;
  return std::accumulate(pixels.begin(), pixels.end(), 0.0) / static_cast<double>(pixels.size());
}

TEST(SceneSourceTest, TheSameSeedDrawsTheSameFrames) {
  CameraSettings settings = Settings();
  settings.speed = 20;  // through several conditions
  const auto one = Open(settings, 7);
  const auto two = Open(settings, 7);
  settings.seed = 3;
  const auto sum = Open(settings, 4);  // the seeds add up
  for (int i = 0; i < 60; ++i) {
    const Frame a = Next(*one);
    const Frame b = Next(*two);
    const Frame c = Next(*sum);
    EXPECT_EQ(a.index, i);
    EXPECT_DOUBLE_EQ(a.time_seconds, i / 15.0);
    EXPECT_EQ(a.image.pixels.size(), 3U * 640 * 360);
    ASSERT_TRUE(a.image.pixels == b.image.pixels) << i;
    ASSERT_TRUE(a.image.pixels == c.image.pixels) << i;
    EXPECT_EQ(a.source_time, b.source_time);
    ASSERT_EQ(a.regions.size(), b.regions.size());
    for (std::size_t r = 0; r < a.regions.size(); ++r) {
      EXPECT_EQ(a.regions[r].track, b.regions[r].track);
      EXPECT_EQ(a.regions[r].truth, b.regions[r].truth);
      EXPECT_EQ(a.regions[r].box.x, b.regions[r].box.x);
    }
  }
}

TEST(SceneSourceTest, OtherSeedsAndCamerasDrawOtherScenes) {
  const auto reference = Next(*Open(Settings(), 7));
  EXPECT_FALSE(Next(*Open(Settings(), 8)).image.pixels == reference.image.pixels);
  EXPECT_FALSE(Next(*Open(Settings("north"), 7)).image.pixels == reference.image.pixels);
}

TEST(SceneSourceTest, EveryClassPassesInEveryStepWithAChangingMix) {
  CameraSettings settings = Settings();
  settings.frames_per_second = 3;
  const auto source = Open(settings, 1);
  EXPECT_THAT(source->info().classes,
              ElementsAre("person", "bicycle", "car", "bus", "truck", "motorcycle"));
  EXPECT_TRUE(source->info().has_truth);
  EXPECT_FALSE(source->info().live);
  std::vector<std::array<double, 6>> parts;
  for (int step = 0; step < 5; ++step) {
    std::array<double, 6> counts{};
    for (int i = 0; i < 90; ++i) {
      const Frame frame = Next(*source);
      for (const Region& region : frame.regions) {
        ASSERT_TRUE(region.truth.has_value());
        counts.at(static_cast<std::size_t>(*region.truth)) += 1;
        EXPECT_GE(region.box.x, 0);
        EXPECT_GE(region.box.y, 0);
        EXPECT_LE(region.box.x + region.box.width, 640);
        EXPECT_LE(region.box.y + region.box.height, 360);
        EXPECT_GE(std::min(region.box.width, region.box.height), 7);
        EXPECT_GE(std::max(region.box.width, region.box.height), 15);
      }
    }
    const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
    EXPECT_GT(sum / 90, 5) << "objects a frame in step " << step;
    for (double& count : counts) {
      EXPECT_GE(count, 8) << "step " << step;
      count /= sum;
    }
    parts.push_back(counts);
  }
  double change = 0;
  for (std::size_t kind = 0; kind < 6; ++kind) change += std::abs(parts[4][kind] - parts[0][kind]);
  EXPECT_GT(change, 0.1);
}

TEST(SceneSourceTest, ATrackKeepsItsClassAndMovesSteadily) {
  const auto source = Open(Settings(), 2);
  std::map<std::int64_t, Region> last;
  for (int i = 0; i < 100; ++i) {
    const Frame frame = Next(*source);
    std::set<std::int64_t> tracks;
    std::map<std::int64_t, Region> now;
    for (const Region& region : frame.regions) {
      EXPECT_TRUE(tracks.insert(region.track).second);
      now[region.track] = region;
      const auto before = last.find(region.track);
      if (before == last.end()) continue;
      EXPECT_EQ(region.truth, before->second.truth);
      EXPECT_GT(IntersectionOverUnion(region.box, before->second.box), 0.2);
    }
    last = std::move(now);
  }
}

TEST(SceneSourceTest, NightIsDarkAndConditionsAreNamed) {
  CameraSettings settings = Settings();
  settings.frames_per_second = 1;
  settings.speed = 15;
  const auto source = Open(settings, 1);
  std::map<std::string, double> brightness;
  for (int i = 0; i < 32; ++i) {  // two days
    const Frame frame = Next(*source);
    const std::string name = frame.source_time.substr(frame.source_time.find(" s ") + 3);
    if (i % 2 == 0) brightness[name] = Brightness(frame);
  }
  EXPECT_EQ(brightness.size(), 8U);
  ASSERT_TRUE(brightness.contains("clear day") && brightness.contains("night"));
  EXPECT_LT(brightness["night"], 0.75 * brightness["clear day"]);
  EXPECT_GT(brightness["snow"], brightness["clear day"]);
}

TEST(SceneSourceTest, ClassesOfTheSettingsRestrictAndOrder) {
  CameraSettings settings = Settings();
  settings.classes = {"car", "person"};
  const auto source = Open(settings, 1);
  EXPECT_THAT(source->info().classes, ElementsAre("car", "person"));
  settings.classes.clear();
  const auto all = Open(settings, 1);
  for (int i = 0; i < 20; ++i) {
    const Frame frame = Next(*source);
    std::vector<Region> expected;
    for (Region region : Next(*all).regions) {
      if (*region.truth != 0 && *region.truth != 2) continue;
      region.truth = *region.truth == 2 ? 0 : 1;
      expected.push_back(region);
    }
    ASSERT_EQ(frame.regions.size(), expected.size());
    for (std::size_t r = 0; r < expected.size(); ++r) {
      EXPECT_EQ(frame.regions[r].track, expected[r].track);
      EXPECT_EQ(frame.regions[r].truth, expected[r].truth);
    }
  }
}

TEST(SceneSourceTest, SenselessSettingsAreErrors) {
  const auto error = [](const CameraSettings& settings) {
    const auto source = OpenScene(settings, 1);
    return source.ok() ? "no error" : source.error().message;
  };
  CameraSettings settings = Settings();
  settings.url = "scene:moon";
  EXPECT_THAT(error(settings), HasSubstr("found \"scene:moon\", expected scene:intersection"));
  settings = Settings();
  settings.classes = {"car", "tram"};
  EXPECT_THAT(error(settings),
              testing::AllOf(HasSubstr("camera crossing"), HasSubstr("found \"tram\""),
                             HasSubstr("motorcycle")));
  for (const double speed : {0.0, -1.0, std::numeric_limits<double>::infinity()}) {
    settings = Settings();
    settings.speed = speed;
    EXPECT_THAT(error(settings), HasSubstr("speed: found"));
  }
}

TEST(ScriptTest, ConditionsTurnSmoothlyAndComeBack) {
  scene::Script script(5);
  std::map<std::string, int> seen;
  for (int step = 0; step < 32; ++step) {
    const auto& condition = script.Step(step);
    ++seen[condition.name];
    EXPECT_NEAR(std::accumulate(condition.mix.begin(), condition.mix.end(), 0.0), 1, 1e-9);
    for (const double part : condition.mix) EXPECT_GT(part, 0.03);
    for (const auto& looks : condition.looks) {
      EXPECT_NEAR(std::accumulate(looks.begin(), looks.end(), 0.0), 1, 1e-9);
    }
  }
  EXPECT_EQ(seen.size(), 8U);
  for (const auto& [name, count] : seen) EXPECT_EQ(count, 4) << name;
  EXPECT_EQ(script.Step(0).name, "clear day");

  auto last = script.At(0).condition;
  for (double time = 0.1; time < 500; time += 0.1) {
    const auto moment = script.At(time);
    EXPECT_LT(std::abs(moment.condition.sun_elevation - last.sun_elevation), 1.5) << time;
    EXPECT_LT(std::abs(moment.condition.fog - last.fog), 0.03);
    EXPECT_LT(std::abs(moment.condition.mix[2] - last.mix[2]), 0.03);
    last = moment.condition;
  }
}

TEST(WorldTest, TrafficFlowsAndKeepsItsDistances) {
  scene::World world(3);
  scene::Script script(3);
  std::map<std::int64_t, double> since;
  double longest = 0;
  int overlaps = 0;
  int looks = 0;
  for (int i = 0; i < 6000; ++i) {  // ten minutes
    const double seconds = 0.1 * i;
    world.Advance(0.1, script.At(seconds).condition);
    std::set<std::int64_t> here;
    for (const auto& actor : world.actors()) {
      here.insert(actor.track);
      longest = std::max(longest, seconds - since.emplace(actor.track, seconds).first->second);
      if (actor.kind == scene::Kind::kPerson || i % 10 != 0) continue;
      for (const auto& other : world.actors()) {
        if (other.track <= actor.track || other.kind == scene::Kind::kPerson) continue;
        ++looks;
        const auto to = other.position - actor.position;
        if (scene::Length(to) < (actor.width + other.width) / 2) ++overlaps;
      }
    }
  }
  EXPECT_GT(since.size(), 150U) << "road users in ten minutes";
  EXPECT_LT(longest, 240) << "seconds that one of them stayed";
  EXPECT_LT(overlaps, looks / 500);
}

TEST(CoverageTest, NearerOnesHideFartherOnes) {
  scene::Coverage coverage(640, 360);
  coverage.Add(0, {100, 100, 60, 60});
  coverage.Add(1, {300, 100, 60, 60});
  coverage.Add(2, {290, 90, 80, 80});
  coverage.Add(3, {600, 100, 80, 60});
  const auto seen = coverage.Visible();
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_GT(seen[0].visible, 0.9);
  EXPECT_LT(seen[1].visible, 0.1);
  EXPECT_GT(seen[2].visible, 0.9);
  EXPECT_NEAR(seen[3].visible, 0.5, 0.1);
  EXPECT_EQ(seen[3].box.width, 40);
}

TEST(CoverageTest, FarToNearFollowsWhoStandsBeforeWhom) {
  const auto print = [](double x0, double y0, double x1, double y1) {
    return scene::Footprint{{{{x0, y0, 0}, {x1, y0, 0}, {x1, y1, 0}, {x0, y1, 0}}},
                            {(x0 + x1) / 2, (y0 + y1) / 2, 0}};
  };
  // A long bus along the line of sight and a car beside its far end, nearer to the camera's side.
  const std::vector<scene::Footprint> prints = {print(0, 5, 2, 8), print(0, 0, 12, 2.5),
                                                print(20, 20, 21, 21)};
  EXPECT_THAT(scene::FarToNear(prints, {5, -20, 8}), ElementsAre(2, 0, 1));
  EXPECT_THAT(scene::FarToNear(prints, {-20, 30, 8}), ElementsAre(2, 1, 0));
}

/// To look at the scene: EKYA_SHEET_DIR=DIR writes a frame of each step as PNG there.
/// EKYA_SHEET_CAMERA: the camera's id. EKYA_SHEET_BOXES: with the truth's boxes.
TEST(SceneSheet, WritesFramesWhereAsked) {
  const char* folder = std::getenv("EKYA_SHEET_DIR");
  if (folder == nullptr) GTEST_SKIP() << "EKYA_SHEET_DIR is not set.";
  const char* camera = std::getenv("EKYA_SHEET_CAMERA");
  CameraSettings settings = Settings(camera == nullptr ? "crossing" : camera);
  settings.frames_per_second = 5;
  settings.speed = 3;
  const auto source = Open(settings, 1);
  constexpr int kFramesPerStep = 50;
  for (int i = 0; i < 16 * kFramesPerStep; ++i) {
    const Frame frame = Next(*source);
    if (i % kFramesPerStep != 20) continue;
    const int width = frame.image.width;
    const int height = frame.image.height;
    cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    auto* data = cairo_image_surface_get_data(surface);
    for (std::size_t p = 0; p < frame.image.pixels.size() / 3; ++p) {
      for (std::size_t c = 0; c < 3; ++c) data[4 * p + c] = frame.image.pixels[3 * p + 2 - c];
    }
    cairo_surface_mark_dirty(surface);
    cairo_t* cairo = cairo_create(surface);
    for (const Region& region : frame.regions) {
      if (std::getenv("EKYA_SHEET_BOXES") == nullptr) break;
      const int colour = *region.truth + 1;
      cairo_rectangle(cairo, region.box.x, region.box.y, region.box.width, region.box.height);
      cairo_set_source_rgb(cairo, colour & 1, (colour >> 1) & 1, (colour >> 2) & 1);
      cairo_set_line_width(cairo, 1);
      cairo_stroke(cairo);
    }
    cairo_destroy(cairo);
    const std::string path =
        std::string(folder) + "/step" + std::to_string(100 + i / kFramesPerStep);
    EXPECT_EQ(cairo_surface_write_to_png(surface, (path + ".png").c_str()), CAIRO_STATUS_SUCCESS);
    cairo_surface_destroy(surface);
  }
}

}  // namespace
}  // namespace ekya::camera
