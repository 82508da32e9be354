#include "platform/datasets/picture_memory.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ekya::datasets {
namespace {

LabelledPicture Shows(std::vector<int> classes, double time) {
  LabelledPicture picture;
  picture.time_seconds = time;
  for (const int each : classes) picture.objects.push_back({{0, 0, 1, 1}, each, 1});
  return picture;
}

TEST(PictureMemory, IsBoundedByClassAndKeepsWhatIsRare) {
  PictureMemory memory(5, 1);
  std::vector<LabelledPicture> window;
  for (int i = 0; i < 100; ++i) window.push_back(Shows({0}, i));
  window[40] = Shows({0, 0, 1}, 40);  // the only one with class 1
  window[50] = Shows({}, 50);
  memory.Add(window);
  const auto kept = memory.Samples();
  ASSERT_EQ(kept.size(), 6U);
  EXPECT_EQ(std::count_if(kept.begin(), kept.end(),
                          [](const auto& each) { return each.objects.size() == 3; }),
            1);
}

TEST(PictureMemory, OldAndNewWindowsAreKeptAlike) {
  int of_first = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    PictureMemory memory(20, seed);
    for (int window = 0; window < 4; ++window) {
      std::vector<LabelledPicture> pictures;
      for (int i = 0; i < 50; ++i) pictures.push_back(Shows({0}, window));
      memory.Add(pictures);
    }
    for (const auto& picture : memory.Samples()) of_first += picture.time_seconds == 0;
  }
  EXPECT_NEAR(of_first / 40.0, 5, 1);
}

TEST(PictureMemory, NothingIsKeptOfNothing) {
  PictureMemory memory(0, 1);
  memory.Add({Shows({2}, 0)});
  EXPECT_TRUE(memory.Samples().empty());
}

}  // namespace
}  // namespace ekya::datasets
