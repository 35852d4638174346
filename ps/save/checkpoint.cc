#include "ps/save/checkpoint.h"

#include <memory>
#include <optional>

#include "common/error.h"
#include "ps/partitioner.h"
#include "ps/save/row_file.h"

namespace zhiyin::ps::save {
namespace {

/// The rows of one server's files, merged: the newest row of each key, unless the key lost it
/// later.
class MergedFiles {
 public:
  MergedFiles(const SavedChain& saved, int number, const std::vector<SavedTable>& tables,
              Beside beside, const Tick& tick) {
    // From the newest back to one that holds all rows.
    for (auto folder = saved.rbegin(); folder != saved.rend(); ++folder) {
      // The file with the most rows is read by a thread of its own.
      const bool is_base = !folder->manifest.file(number).is_changes();
      files_.push_back(std::make_unique<RowFile>(folder->path, folder->manifest, number, tables,
                                                 is_base ? beside : Beside::kNobody, tick));
      if (is_base) break;
    }
    has_row_.resize(files_.size());
  }

  /// Visits the rows of the next table by PlaceOf. The caller then reads what follows the rows from
  /// newest().
  template <typename Visit>
  void ReadTable(const Visit& visit) {
    for (size_t f = 0; f < files_.size(); ++f) {
      files_[f]->BeginTable();
      has_row_[f] = files_[f]->NextRow();
    }
    while (true) {
      std::optional<size_t> first;  // of equals, the newest
      for (size_t f = 0; f < files_.size(); ++f) {
        if (has_row_[f] && (!first || files_[f]->place() < files_[*first]->place())) first = f;
      }
      if (!first) break;
      const KeyPlace place = files_[*first]->place();
      bool is_lost = false;
      for (size_t newer = 0; newer < *first; ++newer)
        is_lost = files_[newer]->Lost(place) || is_lost;
      if (!is_lost) visit(place.key, files_[*first]->row());
      for (size_t f = *first; f < files_.size(); ++f) {
        if (has_row_[f] && files_[f]->place() == place) has_row_[f] = files_[f]->NextRow();
      }
    }
    for (size_t f = 1; f < files_.size(); ++f) {
      files_[f]->NextSweepStep();
      files_[f]->ReadOccurrences({1, 1}, 0, 0, nullptr);
    }
  }
  RowFile& newest() { return *files_[0]; }
  void Finish() {
    for (const auto& file : files_) file->Finish();
  }

 private:
  std::vector<std::unique_ptr<RowFile>> files_;  // newest first
  std::vector<bool> has_row_;
};

/// Whether a file has shards of a server.
bool Meet(int number, int n_files, int server, int n_servers) {
  for (int shard = 0; shard < kNumShards; ++shard) {
    if (ServerOfShard(shard, n_files) == number && ServerOfShard(shard, n_servers) == server)
      return true;
  }
  return false;
}

int NumberOfFiles(const SavedChain& saved) {
  const int n_files = saved.back().manifest.file_size();
  for (const SavedFolder& folder : saved) {
    if (folder.manifest.file_size() != n_files) {
      Fail(folder.path, ": ", folder.manifest.file_size(), " files of rows, expected ", n_files,
           " as ", saved.back().path, " has, which builds on it");
    }
  }
  for (const Manifest::RowFile& file : saved.front().manifest.file()) {
    if (file.is_changes())
      Fail(saved.front().path, ": ", file.name(),
           " holds only what has changed, and the manifest does not say since when");
  }
  return n_files;
}

}  // namespace

void LoadRows(const SavedChain& saved, const RowCarry& carry, const net::RoleMap& roles, int server,
              std::vector<table::Table>* tables, const Tick& tick, Beside beside) {
  const std::vector<SavedTable> saved_tables = SavedTables(saved.back().manifest.job());
  std::vector<table::Table*> takers(saved_tables.size());
  for (size_t t = 0; t < tables->size(); ++t) {
    if (carry.tables[t].saved != TableOrigin::kNone)
      takers[static_cast<size_t>(carry.tables[t].saved)] = &(*tables)[t];
  }
  // The virtual shard of a key depends on the number of its table.
  bool shards_stay = true;
  for (size_t t = 0; t < tables->size(); ++t)
    shards_stay = shards_stay && (carry.tables[t].saved == TableOrigin::kNone ||
                                  carry.tables[t].saved == static_cast<int>(t));
  const int n_files = NumberOfFiles(saved);
  for (int f = 0; f < n_files; ++f) {
    if (shards_stay && !Meet(f, n_files, server, roles.n_servers)) continue;
    MergedFiles files(saved, f, saved_tables, beside, tick);
    for (size_t s = 0; s < saved_tables.size(); ++s) {
      table::Table* table = takers[s];
      const TableId id = table != nullptr ? table->spec().id : 0;
      const TableOrigin origin = table != nullptr ? carry.tables[id] : TableOrigin();
      std::optional<RowConverter> convert;
      if (table != nullptr) convert.emplace(origin, saved_tables[s].layout, table);
      files.ReadTable([&](Key key, std::span<const std::byte> row) {
        if (table != nullptr && ServerOf(id, key, roles.n_servers) == server)
          table->Restore(key, (*convert)(row));
      });
      if (table != nullptr) table->FinishRestoring();
      const uint64_t next_sweep_step = files.newest().NextSweepStep();
      const bool has_counts = table != nullptr && origin.has_counts;
      if (has_counts) table->RestoreNextSweepStep(next_sweep_step);
      files.newest().ReadOccurrences(roles, server, id, has_counts ? &table->admission() : nullptr);
    }
    files.Finish();
  }
  for (table::Table& table : *tables) table.FinishLoading();
}

void VisitRows(const SavedChain& saved, const VisitRow& visit) {
  const std::vector<SavedTable> tables = SavedTables(saved.back().manifest.job());
  const int n_files = NumberOfFiles(saved);
  for (int f = 0; f < n_files; ++f) {
    MergedFiles files(saved, f, tables, Beside::kThread, [] {});
    for (size_t t = 0; t < tables.size(); ++t) {
      files.ReadTable([&](Key key, std::span<const std::byte> row) {
        visit(static_cast<TableId>(t), key, row);
      });
      files.newest().NextSweepStep();
      files.newest().ReadOccurrences({1, 1}, 0, 0, nullptr);
    }
    files.Finish();
  }
}

}  // namespace zhiyin::ps::save
