// Tables of text for terminals and for Markdown.
#pragma once

#include <string>
#include <vector>

namespace zhiyin::launch::apps {

/// The rows of a table, the first one with the titles of the columns. All have equally many cells.
using Cells = std::vector<std::vector<std::string>>;

/// Returns a line for each row. Plain: the first column and, with n_left, those behind it are
/// aligned to the left, the others to the right. REQUIRES: there is a row.
std::string TextTable(const Cells& cells, bool markdown, size_t n_left = 1);

}  // namespace zhiyin::launch::apps
