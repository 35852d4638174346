// A server's part of one table: keys, rows, and how they are made, changed and evicted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/types.h"
#include "configs/job.pb.h"
#include "ps/row_counts.h"
#include "ps/table/admission.h"
#include "ps/table/index.h"
#include "ps/table/initializer.h"
#include "ps/table/optimizer.h"
#include "ps/table/row_changes.h"
#include "ps/table/row_layout.h"
#include "ps/table/row_store.h"
#include "ps/table/table_cut.h"
#include "ps/table/table_spec.h"

namespace zhiyin::ps::table {

/// The rows of one table whose virtual shards belong to this server. The address of a row is valid
/// until the row is evicted, which only EndStep does. One thread.
class Table {
 public:
  Table(const TableSpec& spec, uint64_t seed);

  const std::string& name() const { return spec_.name; }
  int dim() const { return spec_.dim; }
  const TableSpec& spec() const { return spec_; }
  const RowLayout& layout() const { return layout_; }
  int64_t n_rows() const { return index_.size(); }
  int64_t n_bytes() const {
    return index_.n_bytes() + rows_.n_bytes() + admission_.n_bytes() +
           (changes_ ? changes_->n_bytes() : 0) +
           static_cast<int64_t>(new_keys_.capacity() * sizeof(Key) +
                                n_new_.capacity() * sizeof(uint32_t) +
                                full_shards_.capacity() * sizeof(int));
  }
  const RowCounts& counts() const { return counts_; }
  bool Evicts() const { return layout_.tracks_use; }
  /// Whether Apply wants the weights that a gradient was computed with.
  bool WantsPulledWeights() const { return optimizer_->WantsPulledWeights(); }

  /// Looks up the rows of a pull of `step`: addresses of the keys' rows, which are made where
  /// absent; nullptr where admission or the bound on memory refuses a key. rows: [keys.size()].
  /// Throws Error when the table is full and the job wants to stop then.
  ///
  /// In a synchronous table a shard that had room when the step began takes all of its new keys,
  /// and one that had none takes none: the answer does not depend on whose pull comes first.
  /// EndStep then brings it back to its bound. In others a shard is never beyond its bound.
  void FindOrCreate(std::span<const Key> keys, uint64_t step, std::span<std::byte*> rows);
  /// Addresses of rows, made where absent, whatever admission and the bound say.
  void FindOrForce(std::span<const Key> keys, std::span<std::byte*> rows);
  /// Addresses of rows that are there; nullptr where absent. Changes nothing.
  void Find(std::span<const Key> keys, std::span<std::byte*> rows);

  /// Copies the weights of rows, as numbers of a type, to [rows.size(), dim]; zeros for nullptr.
  void ReadWeights(std::span<std::byte* const> rows, NumberType type, void* to) const;
  /// Overwrites weights by [rows.size(), dim] floats; keeps the optimizer's state.
  void WriteWeights(std::span<std::byte* const> rows, const float* weights);

  /// Applies one optimizer step to distinct rows; those that are nullptr are left out. gradients:
  /// [rows.size(), dim]; pulled: as in RowUpdate.
  void Apply(std::span<std::byte* const> rows, const float* gradients, const float* pulled,
             uint64_t step);

  /// Ends a step: the clock has come to `step`, which is complete in a synchronous table. Brings
  /// full shards back to their bound, counts the occurrences of steps that are over, and evicts
  /// what the rules say, a slice of the table each time. Keeps rows that were last pulled by step
  /// `oldest_in_use` or later: a pending pull may hold their address. Throws Error as FindOrCreate.
  static constexpr uint64_t kNoneInUse = std::numeric_limits<uint64_t>::max();
  void EndStep(uint64_t step, uint64_t oldest_in_use);

  /// Calls visit(key, row as it is in memory) for every row of a virtual shard, in the order of
  /// PlaceOf; with `only`, for the rows that are in it.
  void VisitShard(int shard, const std::function<void(Key, std::span<const std::byte>)>& visit,
                  const RowChanges* only = nullptr) const;
  /// Adds a row as VisitShard gave it; FinishRestoring makes it visible. REQUIRES: the key
  /// is absent, row.size() == layout().bytes().
  void Restore(Key key, std::span<const std::byte> row);
  void FinishRestoring();
  /// Fills `row`, of layout().bytes(), with these weights and the state of a row that was never
  /// updated and never pulled. weights: [dim].
  void InitRow(std::span<const float> weights, std::byte* row);
  /// The row with a number, as the index has it.
  const std::byte* Row(uint32_t number) const { return rows_.Row(number); }
  /// The first step whose slice has not been swept; kNoneInUse before the first EndStep. For
  /// checkpoints.
  uint64_t next_sweep_step() const { return next_sweep_step_; }
  /// Takes the earliest step of several files: sweeping twice does no harm.
  void RestoreNextSweepStep(uint64_t step) { next_sweep_step_ = std::min(next_sweep_step_, step); }
  /// Tells `cut`, which is borrowed, of every change before it is made, until nullptr is set.
  void SetCut(TableCut* cut) { cut_ = cut; }
  /// Begins to note which rows change.
  void NoteChanges() { changes_ = std::make_unique<RowChanges>(spec_.id); }
  /// Returns the changes since the last NoteChanges and stops noting; nullptr: changes were not
  /// noted, or more keys have lost their rows than can be kept.
  std::unique_ptr<RowChanges> TakeChanges() { return std::move(changes_); }
  /// The occurrence counts of keys without a row, for checkpoints.
  const Admission& admission() const { return admission_; }
  Admission& admission() { return admission_; }

 private:
  std::byte* Create(Key key, uint64_t step);
  bool HasRoom(Key key);
  /// Notes that a shard is to be trimmed, where one more row fills it and that is the policy.
  void NoteIfFull(int shard);
  void WarnFull(const char* what);
  [[noreturn]] void FailFull(uint32_t n) const;
  /// The part of EndStep that is about max_bytes.
  void KeepBound(uint64_t oldest_in_use);
  void DropNewest();
  bool HasRow(Key key) const { return index_.Find(key) != Index::kAbsent; }
  /// Rows of a shard beyond which it is trimmed at the end of a step.
  uint32_t FullFrom() const { return max_rows_of_shard_ - (max_rows_of_shard_ + 7) / 8; }
  /// Find, where the rows are about to change.
  void FindToChange(std::span<const Key> keys, std::span<std::byte*> rows);
  void BeforeChange(Key key, uint32_t row);
  void NoteUse(std::byte* row, uint64_t step) const;
  void SweepShard(int shard, uint64_t step, uint64_t oldest_in_use);
  void TrimShard(int shard, uint64_t oldest_in_use);
  void Evict(const Index::Entry& entry);
  double NormOf(const std::byte* row);

  TableSpec spec_;
  std::unique_ptr<Optimizer> optimizer_;
  RowLayout layout_;
  RowInitializer initializer_;
  Admission admission_;
  Index index_;
  RowStore rows_;
  RowCounts counts_;
  uint32_t max_rows_of_shard_;  // 0: no bound
  uint64_t next_sweep_step_ =
      kNoneInUse;                 // the first whose slice has not been swept; at first none
  std::vector<int> full_shards_;  // to be trimmed; some more than once
  std::vector<Key> new_keys_;     // got a row since EndStep, of a synchronous table with a bound
  std::vector<uint32_t> n_new_;   // [shard], of these; empty in other tables
  bool said_full_ = false;
  TableCut* cut_ = nullptr;
  std::unique_ptr<RowChanges> changes_;

  std::vector<Index::Entry> restored_;  // of one shard, not in the index yet

  // Workspaces.
  std::vector<float> weights_;
  std::vector<std::byte*> kept_rows_;
  std::vector<float> kept_gradients_;
  std::vector<float> kept_pulled_;
  std::vector<Index::Entry> entries_;
};

/// The tables of a job, with its seed, without rows.
std::vector<Table> EmptyTables(const Job& job);

}  // namespace zhiyin::ps::table
