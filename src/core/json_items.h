#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/document.h"

namespace ekya {

/// What is taken of a JSON text by ReadJsonItems.
struct JsonItems {
  /// Keys of the outermost map whose lists are handed over.
  std::vector<std::string> lists;
  /// Keys within an item, itself a map, that are passed over: what nobody needs of a large file.
  std::vector<std::string> passed_over;
  /// Takes item `index` of the list `key`, which the file says in any order of keys. An error ends
  /// the reading.
  std::function<Status(const std::string& key, std::size_t index, const Node& item)> take;
};

/// Reads a JSON text that is too large to be kept: a map, of which some members are lists of many
/// small items. Only one item is in memory at a time. As strict as ParseJson, but for duplicate
/// keys in what is passed over, and for the size, which has no limit; an item may have as many
/// values as ParseJson allows. Errors name `file`, line and key path.
Status ReadJsonItems(std::istream& text, const std::string& file, const JsonItems& items);

}  // namespace ekya
