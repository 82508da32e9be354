#include "stages/camera/internal/scene/weather.h"

#include <cmath>

namespace ekya::camera::scene {

Weather::Weather(std::uint64_t seed) : random_(DeriveSeed(seed, "weather")), noise_(kNoise + 8192) {
  for (auto& value : noise_) {
    value = static_cast<std::int8_t>(std::clamp(std::lround(16 * random_.Normal()), -127L, 127L));
  }
}

void Weather::PaintFalling(Canvas& canvas, const Light& light, const Condition& condition) {
  cairo_t* cairo = canvas.cairo();
  const double area = canvas.width() * canvas.height() / 230400.0;
  if (condition.rain > 0.05) {
    // One path for all drops.
    const double slant = 0.16;
    const int drops = static_cast<int>(150 * condition.rain * area);
    for (int i = 0; i < drops; ++i) {
      const double x = random_.Uniform(-20, canvas.width());
      const double y = random_.Uniform(-30, canvas.height());
      const double length = random_.Uniform(8, 26);
      cairo_move_to(cairo, x, y);
      cairo_line_to(cairo, x + slant * length, y + length);
    }
    const Rgb drop = Mix(light.horizon, Rgb{0.8, 0.8, 0.8}, 0.35 * (1 - light.night));
    cairo_set_source_rgba(cairo, drop.r + 0.1, drop.g + 0.1, drop.b + 0.1, 0.34);
    cairo_set_line_width(cairo, 1);
    cairo_stroke(cairo);
  }
  if (condition.snow > 0.05) {
    const Rgb flake = Mix(Rgb{0.95, 0.95, 0.97}, Rgb{0.5, 0.5, 0.55}, light.night);
    cairo_set_source_rgba(cairo, flake.r, flake.g, flake.b, 0.75);
    const int flakes = static_cast<int>(170 * condition.snow * area);
    for (int i = 0; i < flakes; ++i) {
      const double size = random_.Uniform(1, 2.6);
      cairo_rectangle(cairo, random_.Uniform(0, canvas.width()),
                      random_.Uniform(0, canvas.height()), size, size);
    }
    cairo_fill(cairo);
  }
}

void Weather::Develop(Canvas& canvas, const Light& light, Image& image) {
  image.width = canvas.width();
  image.height = canvas.height();
  image.pixels.resize(3 * static_cast<std::size_t>(image.width) *
                      static_cast<std::size_t>(image.height));
  const std::uint8_t* pixels = canvas.Pixels();
  const int gain =
      static_cast<int>(std::lround(light.noise * 16));  // noise_ * gain / 256: in grey levels
  std::uint8_t* out = image.pixels.data();
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* pixel = pixels + static_cast<std::ptrdiff_t>(y) * canvas.stride();
    const std::int8_t* noise = &noise_[random_.Bits() % kNoise];
    for (int x = 0; x < image.width; ++x, pixel += 4, out += 3, noise += 3) {
      for (int channel = 0; channel < 3; ++channel) {
        const int value = pixel[2 - channel] + ((noise[channel] * gain) >> 8);
        out[channel] = static_cast<std::uint8_t>(std::clamp(value, 0, 255));
      }
    }
  }
}

}  // namespace ekya::camera::scene
