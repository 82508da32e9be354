#pragma once

#include <string>
#include <string_view>

namespace ekya::report {

/// `text` with every byte sequence that is not UTF-8 replaced by U+FFFD: names and warnings come
/// from users, cameras and vendors; files and pages must stay readable.
std::string ValidUtf8(std::string_view text);

/// Columns that a terminal needs for `text`: two for East Asian wide characters, none for combining
/// ones.
int DisplayWidth(std::string_view text);

/// `text` with "?" for what a terminal would obey: control characters, and those that turn the
/// direction of writing.
std::string PrintableText(std::string_view text);

/// `text`, or its start and "…" where it needs more than `width` columns.
std::string CutToWidth(std::string_view text, int width);

}  // namespace ekya::report
