#include "core/url.h"

#include <gtest/gtest.h>

namespace ekya {
namespace {

TEST(ShownUrlTest, HidesCredentials) {
  EXPECT_EQ(ShownUrl("rtsp://10.0.0.5/s1"), "rtsp://10.0.0.5/s1");
  EXPECT_EQ(ShownUrl("rtsp://user:secret@10.0.0.5/s1"), "rtsp://***@10.0.0.5/s1");
  EXPECT_EQ(ShownUrl("rtsp://user:p/a@ss?w@host:554/s1"), "rtsp://***");
  EXPECT_EQ(ShownUrl("rtsp://user:p/a@ss@host:554/s1"), "rtsp://***@host:554/s1");
  EXPECT_EQ(ShownUrl("rtsp://host/s1?user=me&password=secret"), "rtsp://host/s1");
  EXPECT_EQ(ShownUrl("clips/a@b.mp4"), "clips/a@b.mp4");
}

}  // namespace
}  // namespace ekya
