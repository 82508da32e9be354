#pragma once

namespace ekya::live {

/// What `ekya demo` runs: two drawn cameras on half a core each, as the text of a site.yaml.
const char* DemoSite();

/// Of the demo's minutes, what drawing, labelling and training before the start and the report
/// after the end may take on a slow core.
inline constexpr double kDemoPreparationSeconds = 30;

}  // namespace ekya::live
