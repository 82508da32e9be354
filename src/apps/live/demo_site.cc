#include "apps/live/demo_site.h"

namespace ekya::live {

const char* DemoSite() {
  return R"(# Two drawn cameras above two intersections. Light, weather, traffic and viewpoint drift as the
# minutes pass; the models know only the first windows until they are retrained.
compute:
  devices: [cpu:0]
  device_cores: 0.8        # a small box: one core serves and retrains both cameras
  quanta_per_device: 20
  window: 15s
  scheduler: thief
golden:
  source: truth            # the scene knows what it has drawn
learning:
  bootstrap_windows: 2
  bootstrap_epochs: 20
  bootstrap_learning_rate: 0.05
  profiling_fraction: 100% # nothing is lost: retraining goes on from its trial
  profiling_epochs: 3
  retraining:
    - {id: short, epochs: 3, learning_rate: 0.05}
    - {id: long, epochs: 8, learning_rate: 0.05}
model: {architecture: resnet18, width: 0.0625, input_size: 32}
defaults:
  url: "scene:intersection"
  task: classification
  frames_per_second: 6
  speed: 0.7               # the scene changes every 43 s: about every third window
cameras:
  north: {seed: 1}
  harbour: {seed: 2}
)";
}

}  // namespace ekya::live
