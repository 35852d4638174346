#include "worker/data/record_blocks.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

bool IsBefore(const Records::Place& place, int64_t position) {
  return place.position < position;
}

}  // namespace

RecordBlocks::RecordBlocks(std::unique_ptr<Records> records, const Split& split)
    : records_(std::move(records)),
      first_record_(split.first_row()),
      n_records_(split.n_rows() > 0 ? split.n_rows() : std::numeric_limits<int64_t>::max()) {}

int64_t RecordBlocks::GoTo(int64_t block) {
  const int64_t n_block = std::clamp<int64_t>(n_records_ - block * kBlockRecords, 0, kBlockRecords);
  if (n_block == 0) return 0;
  const int64_t wanted = first_record_ + block * kBlockRecords;
  JumpTowards(wanted);
  const auto behind = std::lower_bound(places_.begin(), places_.end(), wanted + n_block, IsBefore);
  if (behind != places_.end()) records_->ReadAheadTo(*behind);
  // Block by block, so that the beginning of each is remembered, where it can be returned to.
  while (records_->position() < wanted) {
    const int64_t into = records_->position() - first_record_;  // negative before the split
    if (into >= 0 && into % kBlockRecords == 0) Remember();
    const int64_t n = !records_->HasPlaces() ? wanted - records_->position()
                      : into < 0             ? -into
                                             : kBlockRecords - into % kBlockRecords;
    if (records_->Skip(n) < n) return 0;
  }
  Remember();
  return n_block;
}

int64_t RecordBlocks::Count() {
  const auto n_passed = [&] { return std::max(records_->position() - first_record_, int64_t{0}); };
  records_->Skip(std::max(first_record_ - records_->position(), int64_t{0}));
  records_->Skip(std::max(n_records_ - n_passed(), int64_t{0}));
  return std::min(n_passed(), n_records_);
}

void RecordBlocks::SetPlaces(std::span<const int64_t> file_begins,
                             std::vector<Records::Place> places, FilePoints points) {
  records_->SetBegins(file_begins);
  records_->SetPoints(std::move(points));
  places_ = std::move(places);
}

Records::Place RecordBlocks::PlaceBefore(int64_t record) const {
  const auto behind = std::lower_bound(places_.begin(), places_.end(), record + 1, IsBefore);
  Records::Place place = behind == places_.begin() ? Records::Place() : *(behind - 1);
  const std::vector<int64_t> begins = records_->Begins();
  for (size_t f = 0; f < begins.size(); ++f) {
    if (begins[f] > place.position && begins[f] <= record) place = {f, begins[f], {}};
  }
  return place;
}

void RecordBlocks::JumpTowards(int64_t record) {
  const int64_t file_begin = records_->BeginBefore(record);
  const auto behind = std::lower_bound(places_.begin(), places_.end(), record + 1, IsBefore);
  const bool has_place = behind != places_.begin() && (behind - 1)->position > file_begin;
  const int64_t nearest = has_place ? (behind - 1)->position : file_begin;
  if (records_->position() <= record && records_->position() >= nearest) return;
  has_place ? records_->Seek(*(behind - 1)) : records_->RestartBefore(record);
}

void RecordBlocks::Remember() {
  if (!places_.empty() && places_.back().position >= records_->position()) return;
  if (const std::optional<Records::Place> place = records_->place()) places_.push_back(*place);
}

}  // namespace zhiyin::worker::data
