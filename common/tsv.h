// Text in the cells of tab-separated files: a cell can hold any text.
//
// What would end a cell or a line, or mean something else to a reader, is written with a backslash:
//
//   \\      a backslash
//   \t      a tab
//   \n \r   line feed, carriage return
//   \xHH    the character HH, 01 to 7f, in hexadecimal digits: other control characters, a space at
//           the beginning or the end of a cell, and a quote (") at its beginning
#pragma once

#include <string>
#include <string_view>

namespace zhiyin {

/// Returns `text`, which has no NUL, as a cell. Text without any of the above is written as it is.
std::string TsvCell(std::string_view text);

/// Appends the text of a cell to *text, which grows by the length of the cell at most. Returns
/// false where a backslash is followed by nothing of the above.
bool AppendTsvText(std::string_view cell, std::string* text);

}  // namespace zhiyin
