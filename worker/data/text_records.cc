#include "worker/data/text_records.h"

#include <algorithm>
#include <utility>

namespace zhiyin::worker::data {
namespace {

// A unit has about so many bytes: few enough that many readers get shares of almost one size, and
// so many that the list of units is short.
constexpr int64_t kMinUnitBytes = 16 << 10;
constexpr int64_t kMaxUnitBytes = 64 << 20;
constexpr int64_t kUnits = 4096;

}  // namespace

TextRecords::TextRecords(InspectedFiles inspected, Tick tick, ReadCounts* counts)
    : inspected_(std::move(inspected)),
      counts_(counts),
      lines_(inspected_.files, inspected_.dialect, counts),
      splitter_(inspected_.dialect),
      order_(inspected_.order) {
  SetTick(std::move(tick));
}

TextRecords::TextRecords(const InspectedFiles& inspected, const FileCut& begin, const FileCut& end,
                         Tick tick, ReadCounts* counts)
    : inspected_(inspected),
      counts_(counts),
      lines_(inspected_.files, begin, end, inspected_.dialect, counts),
      splitter_(inspected_.dialect),
      order_(inspected_.order),
      ends_{begin, end} {
  SetTick(std::move(tick));
  if (begin.offset > 0 && lines_.Begin()) ends_.begin = lines_.next_cut();
}

void TextRecords::SetTick(Tick tick) {
  tick_ = std::move(tick);
  lines_.SetTick(tick_);
}

bool TextRecords::Next(RecordView* record) {
  if (!lines_.Next(&line_)) {
    if (ends_.end.offset > 0) {
      ends_.end = lines_.next_cut();
      ends_.n_lines = lines_.n_lines_here();
    }
    return false;
  }
  record->wrong = CheckText(line_);
  if (inspected_.headers.contains(line_.text)) record->wrong = kRepeatsHeader;
  if (record->wrong.empty()) record->wrong = splitter_.Split(line_.text, &texts_);
  if (record->wrong.empty()) record->wrong = order_.Apply(&texts_);
  if (record->wrong.empty()) record->values.assign(texts_.begin(), texts_.end());
  return true;
}

bool TextRecords::CanJump() const {
  return std::ranges::all_of(inspected_.files, &TextFile::is_plain);
}

std::vector<Unit> TextRecords::Units() const {
  int64_t n_bytes = 0;
  for (const TextFile& file : inspected_.files) n_bytes += file.stamp.n_bytes;
  const int64_t unit_bytes = std::clamp(n_bytes / kUnits, kMinUnitBytes, kMaxUnitBytes);
  std::vector<Unit> units;
  for (size_t f = 0; f < inspected_.files.size(); ++f) {
    const TextFile& file = inspected_.files[f];
    int64_t rest = file.stamp.n_bytes;
    int64_t offset = 0;
    // The last one has up to twice as many, so that none is small.
    while (file.is_plain && rest >= 2 * unit_bytes) {
      units.push_back({{f, offset}, unit_bytes, true});
      offset += unit_bytes;
      rest -= unit_bytes;
    }
    units.push_back({{f, offset}, rest, file.is_plain});
  }
  return units;
}

std::unique_ptr<Records> TextRecords::Between(const FileCut& begin, const FileCut& end) const {
  return std::unique_ptr<Records>(new TextRecords(inspected_, begin, end, tick_, counts_));
}

}  // namespace zhiyin::worker::data
