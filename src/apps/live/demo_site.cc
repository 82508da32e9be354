#include "apps/live/demo_site.h"

namespace ekya::live {

const char* DemoSite() {
  return R"(# Two drawn cameras above two intersections. Light, weather, traffic and viewpoint drift as the
# minutes pass; the models know only the first windows until they are retrained.
compute:
  devices: [cpu:0]
  device_cores: 0.5        # a small box: half a core serves and retrains both cameras
  quanta_per_device: 20
  window: 15s
  scheduler: thief
golden:
  source: truth            # the scene knows what it has drawn
learning:
  bootstrap_windows: 1
  bootstrap_epochs: 20
  retraining:
    - {id: short, epochs: 5}
    - {id: long, epochs: 12}
    - {id: head, epochs: 10, trained_stages: 1}
model: {architecture: resnet18, width: 0.125, input_size: 32}
defaults: {url: "scene:intersection", task: classification, frames_per_second: 8}
cameras:
  north: {seed: 1}
  harbour: {seed: 2}
)";
}

}  // namespace ekya::live
