// The inspection of text files before their data is read: existence and columns.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/line_reader.h"
#include "worker/data/schema.h"
#include "worker/data/text_lines.h"

namespace zhiyin::worker::data {

/// Returns the defect of a line before it is split into values: too long, a NUL byte, not UTF-8.
/// Returns an empty string for a good line.
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
