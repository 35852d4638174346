#include "ps/save/row_saver.h"

#include <algorithm>
#include <span>
#include <utility>

#include "ps/partitioner.h"

namespace zhiyin::ps::save {
namespace {

/// Rows that one call of Advance writes: less than a millisecond, where a shard has not many more.
constexpr int64_t kRowsPerAdvance = 2048;
constexpr int kShardsPerAdvance = kNumShards / 4;

void PutText(const std::string& text, BlockWriter* file) {
  file->Put(static_cast<uint32_t>(text.size()));
  file->Write(std::as_bytes(std::span(text)));
}

}  // namespace

RowSaver::RowSaver(const std::string& path, SaveKind kind, std::vector<table::Table>* tables,
                   const Tick& tick, Beside beside, std::function<void()> on_wait)
    : tables_(tables), file_(path, beside, std::move(on_wait)) {
  std::vector<std::unique_ptr<table::RowChanges>> changes(tables->size());
  if (kind != SaveKind::kModel) {
    for (size_t t = 0; t < tables->size(); ++t) {
      changes[t] = (*tables)[t].TakeChanges();
      (*tables)[t].NoteChanges();
    }
  }
  is_changes_ = kind == SaveKind::kChanges &&
                std::find(changes.begin(), changes.end(), nullptr) == changes.end();
  file_.Write(std::as_bytes(std::span(kRowFileMagic)));
  file_.Put(static_cast<uint32_t>(is_changes_ ? 1 : 0));
  file_.Put(static_cast<uint32_t>(tables->size()));
  for (size_t t = 0; t < tables->size(); ++t) {
    table::Table& table = (*tables)[t];
    const table::TableCut& cut = *cuts_.emplace_back(
        std::make_unique<table::TableCut>(table, is_changes_ ? std::move(changes[t]) : nullptr));
    PutText(table.name(), &file_);
    file_.Put(static_cast<uint32_t>(table.dim()));
    file_.Put(static_cast<uint32_t>(table.layout().number));
    file_.Put(static_cast<uint32_t>(table.layout().bytes()));
    PutText(table.admission().Text(), &file_);
    file_.Put(static_cast<uint64_t>(cut.n_rows()));
    file_.Put(static_cast<uint64_t>(cut.n_removed()));
    occurrences_.emplace_back(table.admission(), tick);
  }
  for (size_t t = 0; t < tables->size(); ++t) (*tables)[t].SetCut(cuts_[t].get());
}

RowSaver::~RowSaver() {
  for (table::Table& table : *tables_) table.SetCut(nullptr);
}

bool RowSaver::Advance(bool may_wait) {
  if (is_committing_) {
    is_done_ = file_.IsCommitted(may_wait);
    return is_done_;
  }
  // There is room for one block; a shard that takes more may have to wait in the middle.
  if (!may_wait && !file_.HasRoom()) return false;
  table::TableCut& cut = *cuts_[table_];
  if (cut.n_visited() == 0) cut.VisitRemoved([&](Key key) { file_.Put(key); });
  if (cut.n_visited() < kNumShards) {
    const int64_t enough = n_rows_ + kRowsPerAdvance;
    const int last = std::min(kNumShards, cut.n_visited() + kShardsPerAdvance);
    while (cut.n_visited() < last && n_rows_ < enough) {
      cut.VisitNextShard([&](Key key, std::span<const std::byte> row) {
        file_.Put(key);
        file_.Write(row);
        ++n_rows_;
      });
    }
    if (cut.n_visited() == kNumShards) file_.Put(cut.next_sweep_step());
    return true;
  }
  if (occurrences_[table_].WriteSome(&file_)) return true;
  (*tables_)[table_].SetCut(nullptr);
  if (++table_ < tables_->size()) return true;
  file_.StartCommit();
  is_committing_ = true;
  return true;
}

int64_t RowSaver::n_bytes_kept() const {
  int64_t n = n_bytes_of_counts();
  for (const auto& cut : cuts_) n += cut->n_bytes();
  return n;
}

int64_t RowSaver::n_bytes_of_counts() const {
  int64_t n = 0;
  for (const SavedOccurrences& occurrences : occurrences_) n += occurrences.n_bytes();
  return n;
}

SavedRows SaveRows(const std::string& path, SaveKind kind, std::vector<table::Table>* tables,
                   const Tick& tick, Beside beside) {
  RowSaver saver(path, kind, tables, tick, beside);
  while (!saver.IsDone()) {
    saver.Advance(/*may_wait=*/true);
    tick();
  }
  return saver.saved();
}

}  // namespace zhiyin::ps::save
