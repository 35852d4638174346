// TFRecord files of tf.train.Example and tf.train.SequenceExample.
#include <set>

#include "common/error.h"
#include "worker/data/format/format.h"
#include "worker/data/format/tf_columns.h"
#include "worker/data/format/tf_frames.h"

namespace zhiyin::worker::data {
namespace {

class TfRecordReader : public RecordReader {
 public:
  TfRecordReader(const std::string& path, std::span<const WantedColumn> wanted, ReadCounts* counts)
      : frames_(path, counts), columns_(wanted) {}

  bool Next(Record* record) override {
    std::string_view data;
    if (!frames_.Next(&data)) return false;
    record->number = frames_.n_read();
    record->wrong = columns_.Parse(data, &record->values);
    record->seen.resize(record->values.size());
    for (size_t c = 0; c < record->seen.size(); ++c) {
      if (columns_.Has(c)) record->seen[c] = 1;
    }
    return true;
  }

  int64_t Skip(int64_t n) override {
    std::string_view data;
    int64_t n_skipped = 0;
    while (n_skipped < n && frames_.Next(&data)) ++n_skipped;
    return n_skipped;
  }

 private:
  TfFrames frames_;
  TfColumns columns_;
};

/// Whether a column is a position as in text files: "#7".
bool IsTfPosition(std::string_view column) {
  return column.size() > 1 && column.starts_with('#') &&
         column.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

std::unique_ptr<RecordReader> OpenTfRecord(const std::string& path, const Text& /*text*/,
                                           std::span<const WantedColumn> wanted,
                                           ReadCounts* counts) {
  for (const WantedColumn& column : wanted) {
    if (!IsTfPosition(column.name)) continue;
    Fail(path, ": column \"", column.name, "\" is a position, expected the name of a feature: ",
         "features of a TFRecord file have no positions");
  }
  return std::make_unique<TfRecordReader>(path, wanted, counts);
}

std::vector<std::string> TfNames(const std::string& path, const Text& /*text*/) {
  TfFrames frames(path);
  std::set<std::string> names;
  std::string_view data;
  while (frames.n_read() < kNamedRecords && frames.Next(&data)) AddTfNames(data, &names);
  return {names.begin(), names.end()};
}

}  // namespace

const Format kTfRecord = {"TFRecord", IsTfRecord, nullptr, OpenTfRecord, TfNames};

}  // namespace zhiyin::worker::data
