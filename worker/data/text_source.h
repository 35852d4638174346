// Examples from delimited text files.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/example_assembler.h"
#include "worker/data/format/delimited.h"
#include "worker/data/line_blocks.h"
#include "worker/data/source.h"
#include "worker/data/text_columns.h"

namespace zhiyin::worker::data {

/// Reads the examples of a split: blocks of lines (LineBlocks), cut into values (LineSplitter),
/// made into examples (ExampleAssembler). Used by one thread.
class TextSource final : public Source {
 public:
  /// Throws Error where MakeSource does. REQUIRES: the job's data is text; `split` is a split of
  /// `job`.
  TextSource(const Job& job, const Split& split, LabelDomains labels, RowParser::Observer observer);

  int64_t Read(int64_t block, Rows* rows, std::vector<BadLine>* bad) override;

 private:
  TextSource(const Job& job, const Split& split, InspectedFiles inspected, LabelDomains labels,
             RowParser::Observer observer);

  LineBlocks blocks_;
  LineSplitter splitter_;
  ExampleAssembler assembler_;
  std::vector<std::string_view> values_;  // of the line in hand
};

}  // namespace zhiyin::worker::data
