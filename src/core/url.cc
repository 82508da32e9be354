#include "core/url.h"

#include <algorithm>

namespace ekya {

std::string ShownUrl(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const auto at = url.rfind('@');
  const auto query = std::min(url.find_first_of("?#", scheme), url.size());
  const std::string start = url.substr(0, scheme + 3);
  if (at == std::string::npos || at < scheme) return url.substr(0, query);
  // A password may hold '/', '@' or '?' unescaped. Where it is not clear what is what, nothing is
  // shown.
  if (at > query) return start + "***";
  return start + "***" + url.substr(at, query - at);
}

const std::vector<std::string>& DatasetLayouts() {
  static const std::vector<std::string> layouts = {
      "manifest", "coco", "yolo", "mot", "samplelist", "cityscapes", "waymo", "bellevue", "vegas"};
  return layouts;
}

std::string DatasetLayoutOf(const std::string& url) {
  const std::string scheme = url.substr(0, std::min(url.find(':'), url.size()));
  const bool known = std::ranges::find(DatasetLayouts(), scheme) != DatasetLayouts().end();
  return known && scheme.size() + 1 < url.size() ? scheme : "";
}

}  // namespace ekya
