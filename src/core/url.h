#pragma once

#include <string>
#include <vector>

namespace ekya {

/// `url` as messages may show it: without what stands before the host's @ and without the query.
std::string ShownUrl(const std::string& url);

/// The layouts in which labelled data sets are published, by the scheme of a camera's url:
/// "coco:labels.json". docs/datasets.md shows each.
const std::vector<std::string>& DatasetLayouts();

/// The layout that `url` names; empty where it names none.
std::string DatasetLayoutOf(const std::string& url);

}  // namespace ekya
