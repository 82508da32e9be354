#include "apps/report/text.h"

namespace ekya::report {
namespace {

/// Length of the UTF-8 sequence at the start of `text`; 0 where there is none. Overlong forms and
/// surrogates are none.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i, unsigned low, unsigned high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

/// One character of valid UTF-8 at `i`, and its length in bytes.
char32_t CharacterAt(const std::string& text, std::size_t i, std::size_t* length) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned lead = byte(i);
  *length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t code = *length == 1 ? lead : lead & (0x7F >> *length);
  for (std::size_t k = 1; k < *length; ++k) code = code << 6 | (byte(i + k) & 0x3F);
  return code;
}

/// Of the ranges that matter for names: Unicode's combining marks, and its wide and full-width
/// blocks.
int WidthOf(char32_t code) {
  const auto in = [code](char32_t low, char32_t high) { return code >= low && code <= high; };
  if (in(0x300, 0x36F) || in(0x200B, 0x200F) || in(0x20D0, 0x20FF) || in(0xFE00, 0xFE0F)) return 0;
  if (in(0x1100, 0x115F) || in(0x2E80, 0xA4CF) || in(0xAC00, 0xD7A3) || in(0xF900, 0xFAFF) ||
      in(0xFE30, 0xFE6F) || in(0xFF00, 0xFF60) || in(0xFFE0, 0xFFE6) || in(0x1F300, 0x1F6FF) ||
      in(0x1F900, 0x1FAFF) || in(0x20000, 0x3FFFD)) {
    return 2;
  }
  return 1;
}

}  // namespace

std::string ValidUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    if (length == 0) {
      valid += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      valid += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return valid;
}

int DisplayWidth(std::string_view text) {
  const std::string valid = ValidUtf8(text);
  int width = 0;
  std::size_t length = 0;
  for (std::size_t i = 0; i < valid.size(); i += length) {
    width += WidthOf(CharacterAt(valid, i, &length));
  }
  return width;
}

std::string PrintableText(std::string_view text) {
  const std::string valid = ValidUtf8(text);
  std::string printable;
  std::size_t length = 0;
  for (std::size_t i = 0; i < valid.size(); i += length) {
    const char32_t code = CharacterAt(valid, i, &length);
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0) ||
                         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    printable += control ? "?" : valid.substr(i, length);
  }
  return printable;
}

std::string CutToWidth(std::string_view text, int width) {
  std::string valid = ValidUtf8(text);
  if (DisplayWidth(valid) <= width) return valid;
  if (width < 1) return "";
  std::string cut;
  int used = 1;  // The ellipsis.
  std::size_t length = 0;
  for (std::size_t i = 0; i < valid.size(); i += length) {
    used += WidthOf(CharacterAt(valid, i, &length));
    if (used > width) break;
    cut += valid.substr(i, length);
  }
  return cut + "…";
}

}  // namespace ekya::report
