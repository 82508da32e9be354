#pragma once

#include <string>

namespace ekya {

/// `url` as messages may show it: without what stands before the host's @ and without the query.
std::string ShownUrl(const std::string& url);

}  // namespace ekya
