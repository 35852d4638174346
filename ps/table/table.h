// A server's part of one table: its keys and rows, with their creation, updates and eviction.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/types.h"
#include "configs/job.pb.h"
#include "ps/row_counts.h"
#include "ps/table/admission.h"
#include "ps/table/index.h"
#include "ps/table/initializer.h"
#include "ps/table/oldest_rows.h"
#include "ps/table/optimizer.h"
#include "ps/table/row_changes.h"
#include "ps/table/row_layout.h"
#include "ps/table/row_store.h"
#include "ps/table/table_cut.h"
#include "ps/table/table_spec.h"

namespace zhiyin::ps::table {

/// The rows of one table whose virtual shards belong to this server. The address of a row is valid
/// until the row is evicted: by EndStep, or by FindOrCreate, which evicts no row that is in use as
/// its argument `oldest_in_use` says. Used by one thread.
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
           (changes_ ? changes_->n_bytes() : 0) + (oldest_ ? oldest_->n_bytes() : 0) +
           static_cast<int64_t>(new_keys_.capacity() * sizeof(Key) +
                                n_new_.capacity() * sizeof(uint32_t) +
                                overfull_shards_.capacity() * sizeof(int));
  }
  const RowCounts& counts() const { return counts_; }
  bool Evicts() const { return layout_.tracks_use; }
  /// Whether Apply wants the weights that a gradient was computed with.
  bool WantsPulledWeights() const { return optimizer_->WantsPulledWeights(); }

  /// Writes the addresses of the keys' rows to rows [keys.size()], for a pull of `step`. Absent
  /// rows are made, unless admission or the bound on memory refuses the key; then the address is
  /// nullptr. Throws Error when the table is full and the job is configured to fail then.
  ///
  /// In a synchronous table the result does not depend on the order of the pulls. Where full shards
  /// evict their oldest rows, all new keys of the step are accepted; elsewhere a shard that had
  /// room when the step began accepts all, and a shard that had none accepts none. EndStep then
  /// brings the shard back to its bound.
  ///
  /// In other tables a shard never exceeds its bound. Where full shards evict their oldest rows,
  /// the oldest makes room, unless all rows of the shard were last pulled by step `oldest_in_use`
  /// or later: these are kept, since a pending pull may hold their addresses, and the key is
  /// refused. At 0 no row makes room. REQUIRES: oldest_in_use <= step.
  void FindOrCreate(std::span<const Key> keys, uint64_t step, std::span<std::byte*> rows,
                    uint64_t oldest_in_use = 0);
  /// Writes the addresses of the keys' rows; absent rows are made, regardless of admission and the
  /// bound on memory.
  void FindOrForce(std::span<const Key> keys, std::span<std::byte*> rows);
  /// Writes the addresses of the keys' rows; nullptr for absent rows. Changes nothing.
  void Find(std::span<const Key> keys, std::span<std::byte*> rows);

  /// Replaces the weights of the keys' rows by `weights`, [keys.size(), dim], and keeps the state
  /// of the optimizer; rows that are absent are made, as FindOrForce does, with a state that these
  /// weights follow from.
  void Assign(std::span<const Key> keys, const float* weights);

  /// Copies the weights of rows to `to`, [rows.size(), dim] numbers of a type; zeros for nullptr.
  void ReadWeights(std::span<std::byte* const> rows, NumberType type, void* to) const;
  /// Replaces the weights of rows by `weights`, [rows.size(), dim]; keeps the optimizer's state.
  void WriteWeights(std::span<std::byte* const> rows, const float* weights);

  /// Applies one optimizer step to distinct rows; those that are nullptr are left out. gradients:
  /// [rows.size(), dim]; pulled: as in RowUpdate.
  void Apply(std::span<std::byte* const> rows, const float* gradients, const float* pulled,
             uint64_t step);

  /// Ends a step: the server's clock has reached `step`, which is complete in a synchronous table.
  /// Brings shards that hold more rows than their bound back to exactly the bound, counts the
  /// occurrences of the steps before it, and applies the rules of eviction to a part of the table.
  /// Keeps rows that were last pulled by step `oldest_in_use` or later, as FindOrCreate does.
  /// Throws Error as FindOrCreate does.
  static constexpr uint64_t kNoneInUse = std::numeric_limits<uint64_t>::max();
  void EndStep(uint64_t step, uint64_t oldest_in_use);

  /// Calls visit(key, bytes of the row) for every row of a virtual shard, in the order of PlaceOf;
  /// with `only`, just for the rows that are marked there.
  void VisitShard(int shard, const std::function<void(Key, std::span<const std::byte>)>& visit,
                  const RowChanges* only = nullptr) const;
  /// Adds a row with bytes that VisitShard passed; FinishRestoring makes it visible. REQUIRES: the
  /// key is absent, row.size() == layout().bytes().
  void Restore(Key key, std::span<const std::byte> row);
  void FinishRestoring();
  /// Ends the loading of a checkpoint, all files of which have been read: what is held of open
  /// steps is brought back to its bound, so that it can be saved and loaded again.
  void FinishLoading();
  /// Fills `row`, layout().bytes() long, with weights [dim] and the state of a row that has never
  /// been updated or pulled.
  void InitRow(std::span<const float> weights, std::byte* row);
  /// The row with this number of the index.
  const std::byte* Row(uint32_t number) const { return rows_.Row(number); }
  /// The first step whose part of the table has not been swept for eviction; kNoneInUse before the
  /// first EndStep. For checkpoints.
  uint64_t next_sweep_step() const { return next_sweep_step_; }
  /// Raises next_sweep_step() to the step of a file. Called for every file of a checkpoint. Where
  /// servers were at different steps, some shards of the later files are swept a round late. An
  /// early sweep would evict rows that had no time for min_pulls pulls since the one before.
  void RestoreNextSweepStep(uint64_t step);
  /// Calls BeforeChange of `cut` before every change, until SetCut(nullptr). Borrows `cut`.
  void SetCut(TableCut* cut) { cut_ = cut; }
  /// Begins to record the rows that change.
  void NoteChanges() { changes_ = std::make_unique<RowChanges>(spec_.id); }
  /// Returns the changes since the last NoteChanges, and stops recording. Returns nullptr if
  /// changes were not recorded, or more keys have lost their rows than are kept.
  std::unique_ptr<RowChanges> TakeChanges() { return std::move(changes_); }
  /// The occurrence counts of keys without a row, for checkpoints.
  const Admission& admission() const { return admission_; }
  Admission& admission() { return admission_; }

 private:
  std::byte* Create(Key key, uint64_t step);
  /// Whether a key may have a row; makes room for it where the table's policy is to evict.
  bool HasRoom(Key key, uint64_t oldest_in_use);
  void WarnFull(const char* what);
  [[noreturn]] void FailFull(uint32_t n) const;
  /// The part of EndStep that is about max_bytes.
  void KeepBound(uint64_t oldest_in_use);
  void DropNewest();
  bool HasRow(Key key) const { return index_.Find(key) != Index::kAbsent; }
  /// Find, for rows that are about to change.
  void FindToChange(std::span<const Key> keys, std::span<std::byte*> rows);
  void BeforeChange(Key key, uint32_t row);
  void NoteUse(std::byte* row, uint64_t step) const;
  void SweepShard(int shard, uint64_t step, uint64_t oldest_in_use);
  /// Evicts the oldest rows of a shard until it has `n_kept`, or all others are in use.
  void KeepNewest(int shard, uint32_t n_kept, uint64_t oldest_in_use);
  /// Marks a shard with more rows than its bound, which EndStep is to trim.
  void NoteIfOverfull(int shard);
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
  uint32_t max_rows_of_shard_;             // 0: no bound
  uint64_t next_sweep_step_ = kNoneInUse;  // see next_sweep_step()
  std::optional<OldestRows> oldest_;       // where full shards evict their oldest rows
  std::vector<int> overfull_shards_;       // to be trimmed; some more than once
  // Both are kept by a synchronous table with a bound whose full shards evict nothing.
  std::vector<Key> new_keys_;    // got a row since EndStep
  std::vector<uint32_t> n_new_;  // [shard], of these; empty in other tables
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
