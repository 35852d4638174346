// What is known of text files before their data is read: that they exist, and their columns.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/line_reader.h"
#include "worker/data/schema.h"
#include "worker/data/text_lines.h"

namespace zhiyin::worker::data {

/// Says what is wrong with a line before it is cut into values: too long, a NUL, not UTF-8. Empty
/// when nothing is.
std::string CheckText(const Line& line);

/// Files that were opened once, and the columns that they all have.
struct InspectedFiles {
  std::vector<TextFile> files;
  /// Names come from the header or from Text.column_name; empty where there is neither.
  Columns columns;
};

/// Opens every file, so that a missing one is reported before the first step, and compares their
/// headers. Where labels are ignored, files without a header may lack the last named columns.
/// Throws Error for no file, a file that cannot be read, only empty ones, or headers that differ.
InspectedFiles InspectFiles(const Split& split, const Text& text, LabelUse labels);

}  // namespace zhiyin::worker::data
