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

}  // namespace ekya
