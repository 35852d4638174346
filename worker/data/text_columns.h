// The inspection of text files before their data is read: existence and columns.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/column_order.h"
#include "worker/data/line_reader.h"
#include "worker/data/schema.h"
#include "worker/data/text_lines.h"

namespace zhiyin::worker::data {

/// Returns the defect of a line before it is split into values: too long, a NUL byte, not UTF-8.
/// Returns an empty string for a good line.
std::string CheckText(const Line& line);
/// Returns the defect of text from elsewhere: a NUL byte, not UTF-8; or an empty string.
std::string CheckText(std::string_view text);

/// Whether the values of a file's first line are the names of its columns: they are where
/// Text.header says so, and where they are those of Text.column_name. `names`: of these, those of
/// the columns that a file of so many values has; none where the configuration names none.
bool IsHeader(const Text& text, std::span<const std::string> names,
              std::span<const std::string_view> values);
/// Throws Error, which begins with `where`, where the values of a file's first line are these names
/// in another order: read by position, each column would have another's values.
void CheckNameOrder(const Text& text, std::span<const std::string> names,
                    std::span<const std::string_view> values, const std::string& where);

/// Throws Error where the beginning of a file tells a format that is not delimited text, unless
/// Text.delimited says that it is. `expected` says why it should be, as " as in a.csv". REQUIRES:
/// nothing was read of the file yet.
void CheckDelimited(const LineReader& reader, const Text& text, const std::string& expected);

/// What is wrong with a line that equals the header of its file byte by byte: files were put
/// together with their headers.
inline constexpr const char* kRepeatsHeader = "repeats the header, expected values";

/// Files that were opened once, and the columns that they all have.
struct InspectedFiles {
  std::vector<TextFile> files;
  /// The header lines of the files, each once: mostly one, whatever their number.
  std::set<std::string, std::less<>> headers;
  /// The columns of training: data.columns, or those of these files where a job has none. Names
  /// come from Text.column_name or else from the header; empty where there is neither.
  Columns columns;
  /// Brings lines of the files into the order of `columns`.
  ColumnOrder order;
  /// About how many bytes a line of the first file has; 0 where it is compressed or converted.
  double line_bytes = 0;
  /// The dialect of all files: the first one that has a line tells its delimiter.
  Dialect dialect;
};

/// Opens every file, so that a missing one is reported before the first step, and compares their
/// columns with each other and with data.columns: by name where both have names, by number
/// otherwise. Every file must be delimited text. A file without a header is judged by its first
/// line with the right number of values, so that malformed lines at its beginning do not matter.
/// Where labels are ignored, columns that only tasks read may be missing, in files without a header
/// all of them together. Calls `tick` for every file. Throws Error for no file, a file that cannot
/// be read, only empty ones, or columns that differ. REQUIRES: the job's data is text; `split` need
/// not be one of the job's.
InspectedFiles InspectFiles(
    const Job& job, const Split& split, LabelUse labels, const Tick& tick = [] {});

/// Returns the columns of the first training file that is not empty; none where all are. Throws
/// Error as InspectFiles does.
Columns FindTextColumns(const Data& data, const Tick& tick);

}  // namespace zhiyin::worker::data
