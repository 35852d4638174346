#include "worker/data/text_source.h"

#include <string>
#include <utility>

namespace zhiyin::worker::data {

TextSource::TextSource(const Job& job, const Split& split, LabelDomains labels,
                       RowParser::Observer observer)
    : TextSource(job, split, InspectFiles(split, job.data().text(), UseOf(labels)), labels,
                 std::move(observer)) {}

TextSource::TextSource(const Job& job, const Split& split, InspectedFiles inspected,
                       LabelDomains labels, RowParser::Observer observer)
    : blocks_(inspected.files, job.data().text().header(), split),
      splitter_(Dialect::Of(job.data().text())),
      assembler_(job, split, std::move(inspected.columns), std::move(labels), std::move(observer)) {
}

int64_t TextSource::Read(int64_t block, Rows* rows, std::vector<BadLine>* bad) {
  *rows = assembler_.NewRows();
  bad->clear();
  const int64_t n_block = blocks_.GoTo(block);
  TextLines& lines = blocks_.lines();
  int64_t n_done = 0;
  Line line;
  for (; n_done < n_block; ++n_done) {
    const int64_t number = lines.position();
    if (!lines.Next(&line)) break;
    std::string wrong = CheckText(line);
    if (wrong.empty()) wrong = splitter_.Split(line.text, &values_);
    if (wrong.empty()) wrong = assembler_.Append(number, lines.path(), &values_, rows);
    if (wrong.empty()) continue;
    bad->push_back({block * kBlockRows + n_done,
                    lines.path() + ":" + std::to_string(line.number) + ": " + wrong});
  }
  return n_done;
}

}  // namespace zhiyin::worker::data
