#pragma once

namespace ekya::live {

/// What `ekya demo` runs: two drawn cameras on most of a core, as the text of a site.yaml.
const char* DemoSite();

/// Of the demo's minutes, what drawing, labelling and training before the start and the report
/// after the end may take on a slow core.
inline constexpr double kDemoPreparationSeconds = 40;

}  // namespace ekya::live
