#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "platform/models/classifier.h"

namespace ekya::models {
namespace {

Image Gradient(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.pixels.push_back(static_cast<std::uint8_t>(x * 255 / std::max(1, width - 1)));
      image.pixels.push_back(static_cast<std::uint8_t>(y * 255 / std::max(1, height - 1)));
      image.pixels.push_back(77);
    }
  }
  return image;
}

int At(const Image& image, int x, int y, int channel) {
  return image.pixels[static_cast<std::size_t>((y * image.width + x) * 3 + channel)];
}

TEST(CropAndResize, OneToOneCopiesTheBox) {
  const auto image = Gradient(40, 30);
  const auto crop = CropAndResize(image, {5, 7, 16, 16}, 16);
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 16; ++x) {
      for (int c = 0; c < 3; ++c) ASSERT_EQ(At(crop, x, y, c), At(image, x + 5, y + 7, c));
    }
  }
}

TEST(CropAndResize, ShrinkingAverages) {
  // A checkerboard of single pixels: any sampling without averaging keeps black or white.
  Image image{64, 64, {}};
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      image.pixels.insert(image.pixels.end(), 3, (x + y) % 2 == 0 ? 0 : 255);
    }
  }
  for (const auto value : CropAndResize(image, {0, 0, 64, 64}, 8).pixels) {
    EXPECT_NEAR(value, 127.5, 4);
  }
}

TEST(CropAndResize, KeepsAGradientWhenGrowingAndShrinking) {
  const auto image = Gradient(101, 101);
  for (const int size : {7, 32, 101, 250}) {
    const auto crop = CropAndResize(image, {0, 0, 101, 101}, size);
    for (int i = 0; i < size; ++i) {
      // Where the centre of output pixel i lies in the source.
      const double expected = std::clamp(((i + 0.5) * 101 / size - 0.5) * 2.55, 0.0, 255.0);
      const double slack = i == 0 || i == size - 1 ? 8 : 2;
      EXPECT_NEAR(At(crop, i, size / 2, 0), expected, slack) << size << " " << i;
      EXPECT_NEAR(At(crop, size / 2, i, 1), expected, slack) << size << " " << i;
      EXPECT_EQ(At(crop, i, i, 2), 77);
    }
  }
}

TEST(CropAndResize, DoesNotMixInWhatIsOutsideTheBox) {
  Image image{60, 20, {}};
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 60; ++x)
      image.pixels.insert(image.pixels.end(), 3, x < 20 || x >= 40 ? 255 : 0);
  }
  for (const auto value : CropAndResize(image, {20, 0, 20, 20}, 5).pixels) EXPECT_EQ(value, 0);
}

TEST(CropAndResize, ClampsBoxesThatReachOutOfThePicture) {
  const auto image = Gradient(30, 20);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double huge = 1e300;
  for (const Box& box :
       {Box{-10, -10, 20, 20}, Box{25, 15, 100, 100}, Box{100, 100, 5, 5}, Box{-50, -50, 5, 5},
        Box{3, 3, 0, 0}, Box{3, 3, -5, -5}, Box{nan, nan, nan, nan}, Box{29.9, 19.9, 0.05, 0.05},
        Box{-huge, -huge, huge, huge}, Box{huge, huge, huge, huge}}) {
    const auto crop = CropAndResize(image, box, 8);
    EXPECT_EQ(crop.width, 8);
    EXPECT_EQ(crop.pixels.size(), 8U * 8 * 3);
    EXPECT_EQ(At(crop, 3, 3, 2), 77) << box.x;
  }
  EXPECT_EQ(At(CropAndResize(image, {100, 100, 5, 5}, 8), 0, 0, 0), 255);
}

TEST(CropToPlanes, IsTheSamePictureNormalised) {
  const auto image = Gradient(61, 47);
  // Growing, shrinking by a little and by a lot, to one pixel, and out of the picture.
  for (const Box& box : {Box{0, 0, 61, 47}, Box{10.3, 5.7, 12.5, 40}, Box{40, 30, 50, 50},
                         Box{60.5, 46.5, 0.2, 0.2}}) {
    for (const int size : {1, 5, 23, 64}) {
      const auto crop = CropAndResize(image, box, size);
      const auto area = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
      std::vector<float> planes(3 * area);
      CropToPlanes(image, box, size, planes.data());
      for (std::size_t i = 0; i < 3 * area; ++i) {
        const auto channel = static_cast<int>(i / area);
        const auto level = crop.pixels[i % area * 3 + i / area];
        ASSERT_EQ(planes[i], NormalisedLevels(channel)[level]) << size << " " << i;
      }
    }
  }
  std::vector<float> black(3 * 4, -1.0F);
  CropToPlanes(Image{}, {0, 0, 5, 5}, 2, black.data());
  EXPECT_EQ(black[0], NormalisedLevels(0)[0]);
  EXPECT_EQ(black[11], NormalisedLevels(2)[0]);
}

TEST(CropAndResize, MakesABlackPictureOfNoPicture) {
  const auto crop = CropAndResize(Image{}, {0, 0, 5, 5}, 4);
  ASSERT_EQ(crop.pixels.size(), 48U);
  EXPECT_EQ(crop.pixels[5], 0);
}

TEST(CropAndResize, TakesAPictureOfOnePixel) {
  const Image image{1, 1, {10, 20, 30}};
  const auto crop = CropAndResize(image, {0, 0, 1, 1}, 3);
  EXPECT_EQ(At(crop, 2, 2, 1), 20);
}

}  // namespace
}  // namespace ekya::models
