#include "common/tsv.h"

#include <charconv>

namespace zhiyin {
namespace {

/// Whether the character at position i of `text` is written with a backslash.
bool NeedsEscape(std::string_view text, size_t i) {
  const char c = text[i];
  if (c == ' ') return i == 0 || i + 1 == text.size();
  if (c == '"') return i == 0;
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\';
}

void AppendEscape(char c, std::string* cell) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  *cell += '\\';
  switch (c) {
    case '\\':
      *cell += '\\';
      break;
    case '\t':
      *cell += 't';
      break;
    case '\n':
      *cell += 'n';
      break;
    case '\r':
      *cell += 'r';
      break;
    default:
      *cell += 'x';
      *cell += kDigits[byte >> 4];
      *cell += kDigits[byte & 15];
  }
}

}  // namespace

std::string TsvCell(std::string_view text) {
  std::string cell;
  for (size_t i = 0; i < text.size(); ++i) {
    if (NeedsEscape(text, i)) {
      AppendEscape(text[i], &cell);
    } else {
      cell += text[i];
    }
  }
  return cell;
}

bool AppendTsvText(std::string_view cell, std::string* text) {
  for (size_t at = cell.find('\\'); at != std::string_view::npos; at = cell.find('\\')) {
    text->append(cell.substr(0, at));
    cell.remove_prefix(at + 1);
    if (cell.empty()) return false;
    const char kind = cell[0];
    cell.remove_prefix(1);
    if (kind == '\\') {
      *text += '\\';
    } else if (kind == 't') {
      *text += '\t';
    } else if (kind == 'n') {
      *text += '\n';
    } else if (kind == 'r') {
      *text += '\r';
    } else {
      unsigned char byte = 0;
      if (kind != 'x' || cell.size() < 2 ||
          std::from_chars(cell.data(), cell.data() + 2, byte, 16).ptr != cell.data() + 2 ||
          byte == 0 || byte > 0x7f)
        return false;
      *text += static_cast<char>(byte);
      cell.remove_prefix(2);
    }
  }
  text->append(cell);
  return true;
}

}  // namespace zhiyin
