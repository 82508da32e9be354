#include "stages/labels/trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace ekya::labels {
namespace {

using testing::HasSubstr;

Detection At(double x, int label, double score = 0.9) { return {{x, 0, 10, 10}, label, score}; }

TEST(GoldenTrust, IsGivenUntilSomethingIsKnown) {
  GoldenTrust trust(true, 3);
  EXPECT_EQ(trust.Doubt(), "");
  // One disagreement is no proof.
  trust.Add({{{At(0, 1)}, {At(50, 1)}}});
  EXPECT_EQ(trust.Doubt(), "");
}

TEST(GoldenTrust, ADetectorThatFindsOtherThingsTheSecondTimeLosesIt) {
  GoldenTrust steady(true, 3);
  GoldenTrust fickle(true, 3);
  for (int i = 0; i < 10; ++i) {
    steady.Add({{{At(0, 1), At(30, 2)}, {At(1, 1), At(30, 2)}}});
    fickle.Add({{{At(0, 1), At(30, 2)}, {At(15, 1), At(30, 0)}}});
  }
  EXPECT_EQ(steady.Doubt(), "");
  EXPECT_THAT(fickle.Doubt(), HasSubstr("contradicts itself"));
}

TEST(GoldenTrust, AgreementByChanceDoesNotCount) {
  // Always the same class but for a few: nine in ten agree by chance alone.
  GoldenTrust guessing(false, 2);
  GoldenTrust constant(false, 2);
  Random random(3);
  for (int i = 0; i < 400; ++i) {
    const auto guess = [&] { return random.Uniform() < 0.05 ? 1 : 0; };
    guessing.Add({{{At(0, guess())}, {At(0, guess())}}});
    constant.Add({{{At(0, 0)}, {At(0, 0)}}});
  }
  EXPECT_THAT(guessing.Doubt(), HasSubstr("contradicts itself"));
  EXPECT_EQ(constant.Doubt(), "") << "a scene may show one class";
}

TEST(GoldenTrust, AClassifierWhoseScoresAreThoseOfAGuessLosesIt) {
  GoldenTrust trust(false, 4);
  for (int i = 0; i < 20; ++i) trust.Add({{{At(0, i % 4, 0.28)}, {At(0, i % 4, 0.28)}}});
  EXPECT_THAT(trust.Doubt(), HasSubstr("near chance"));
}

TEST(Changed, MirrorsThePictureAndItsBoxes) {
  Frame frame;
  frame.image = {2, 1, {100, 110, 120, 200, 210, 220}};
  frame.regions = {{.box = {0, 0, 0.5, 1}, .truth = 1}};
  const Frame changed = Changed(frame);
  EXPECT_EQ(changed.image.pixels, (std::vector<std::uint8_t>{180, 189, 198, 90, 99, 108}));
  EXPECT_DOUBLE_EQ(changed.regions[0].box.x, 1.5);
  EXPECT_DOUBLE_EQ(ChangedBack(changed.regions[0].box, frame.image).x, 0);
}

}  // namespace
}  // namespace ekya::labels
