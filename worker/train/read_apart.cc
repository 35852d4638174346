#include "worker/train/read_apart.h"

#include <algorithm>
#include <cstddef>

#include "worker/data/record_counts.h"

namespace zhiyin::worker::train {
namespace {

/// The record among those of the files from which on a source reads to come to a block.
int64_t ReadsFrom(int64_t block, const SplitIndex& index, const IndexedFiles& files) {
  const int64_t record = files.first_row + block * data::kBlockRecords;
  if (!index.points.empty()) return record;
  size_t file = 0;
  for (size_t f = 0; f < index.file_begins.size(); ++f) {
    if (index.file_begins[f] >= 0 && index.file_begins[f] <= record) file = f;
  }
  const int64_t file_begin = std::max<int64_t>(index.file_begins[file], 0);
  int64_t from = file_begin;
  for (const data::Unit& unit : files.units) {
    const bool is_part = unit.begin.file == file && unit.n_records >= 0;
    if (is_part && file_begin + unit.begin.offset <= record) from = file_begin + unit.begin.offset;
  }
  return from;
}

/// How many records a worker passes over to read blocks of files in which it cannot jump.
int64_t PassedRecords(const std::vector<int64_t>& blocks, const SplitIndex& index,
                      const IndexedFiles& files) {
  const auto pass = [&](int64_t first, int64_t last) {
    return files.first_row + (last + 1) * data::kBlockRecords - ReadsFrom(first, index, files);
  };
  if (blocks.empty()) return 0;
  // A block before the last one belongs to another run, for which the files are read again.
  int64_t n = 0;
  int64_t first = blocks.front();
  int64_t last = first;
  for (const int64_t block : blocks) {
    if (block < last) {
      n += pass(first, last);
      first = block;
    }
    last = block;
  }
  return n + pass(first, last);
}

}  // namespace

bool IsReadApart(const SplitIndex& index, const IndexedFiles& files, int n_workers,
                 const std::function<std::vector<int64_t>(int worker)>& wanted) {
  constexpr double kMostPasses = 1.1;
  const data::RecordCounts records(index.findings.records);
  // What is before the split in its first file a pass reads, too.
  const int64_t n_before = files.can_jump ? 0 : files.first_row - ReadsFrom(0, index, files);
  const int64_t n_pass = records.n_blocks() * data::kBlockRecords + n_before;
  int64_t n_read = 0;  // records
  for (int w = 0; w < n_workers; ++w) {
    const std::vector<int64_t> blocks = wanted(w);
    n_read += files.can_jump ? static_cast<int64_t>(blocks.size()) * data::kBlockRecords
                             : PassedRecords(blocks, index, files);
  }
  return static_cast<double>(n_read) <= kMostPasses * static_cast<double>(n_pass);
}

bool IsAnyShareKept(std::span<const data::Unit> units, std::span<const int64_t> begins,
                    int64_t n_examples, int64_t n_kept_max) {
  const auto bytes_of = [&](int64_t begin, int64_t end) {
    double n = 0;
    for (int64_t u = begin; u < end; ++u)
      n += static_cast<double>(units[static_cast<size_t>(u)].n_bytes);
    return n;
  };
  const double n_bytes = bytes_of(begins.front(), begins.back());
  for (size_t w = 0; w + 1 < begins.size(); ++w) {
    if (begins[w] == begins[w + 1]) continue;
    const double share = bytes_of(begins[w], begins[w + 1]);
    // Examples are taken to be of equal sizes.
    if (share * static_cast<double>(n_examples) <= n_bytes * 2.0 * static_cast<double>(n_kept_max))
      return true;
  }
  return false;
}

}  // namespace zhiyin::worker::train
