#include "launch/apps/text_table.h"

#include <algorithm>

namespace zhiyin::launch::apps {
namespace {

/// Characters, not bytes, of UTF-8.
size_t WidthOf(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

std::string TextTable(const Cells& cells, bool markdown, size_t n_left) {
  std::vector<size_t> widths(cells[0].size());
  for (const auto& row : cells) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], WidthOf(row[c]));
  }
  std::string text;
  for (size_t r = 0; r < cells.size(); ++r) {
    std::string line = markdown ? "|" : "";
    for (size_t c = 0; c < cells[r].size(); ++c) {
      const std::string padding(markdown ? 0 : widths[c] - WidthOf(cells[r][c]), ' ');
      if (markdown) {
        line += " " + cells[r][c] + " |";
        continue;
      }
      line += c == 0 ? "" : "  ";
      line += c < n_left ? cells[r][c] + padding : padding + cells[r][c];
    }
    if (!markdown) line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (markdown && r == 0) {
      text += "|---|";
      for (size_t c = 1; c < cells[0].size(); ++c) text += "---:|";
      text += "\n";
    }
  }
  return text;
}

}  // namespace zhiyin::launch::apps
