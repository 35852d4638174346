// The user-item events of the training files, and what is derived from them: histories, held-out
// events, item shares and sampled negatives.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/name_table.h"
#include "common/random.h"
#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/event_time.h"
#include "worker/data/joins.h"
#include "worker/data/missing_values.h"
#include "worker/data/records.h"
#include "worker/data/split_kind.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Whether a value of the column data.behaviour.event says that the user had to do with the item: a
/// number above 0, or the word true; not where it is missing or the word false. The words have no
/// case. nullopt: none of these.
std::optional<bool> HasHappened(const Value& value, const MissingValues& missing);

/// The events that data.behaviour of job.proto defines, by user. Immutable: used by any number of
/// threads at once.
///
/// Users and items are numbered from 0 in the order in which they first appear in the training
/// files; users and items that appear only in a file of data.join come after them. A `row` is the
/// number of a line, counted from 0 over all training files without their headers. A malformed
/// line, which here is also one without a user, an item or a time, has a number but is not an
/// event; it is not reported here, but by the Source. A value of the column of events that
/// HasHappened does not know makes a line malformed, too.
///
/// The times are all numbers or all dates (ParseTime): the first one of the files decides, and a
/// line with one of the other kind has no time.
///
/// Memory: 16 bytes for each line, 12 for each event (16 with data.behaviour.negatives), and for
/// each user and item their names and about 50 bytes; 4 more for each line while they are read.
class Behaviour {
 public:
  /// Reads the files of data.train.file and data.join, and calls `tick` meanwhile. Throws Error if
  /// a file cannot be read, its columns are not those of training (InspectFiles), the name of an
  /// item contains "|", no line is an event, or from_time or validation_from_time of data.behaviour
  /// divides nothing: all lines are on one side of it. What is read is added to *counts, unless it
  /// is null. REQUIRES: the job has passed validation and has data.behaviour.
  static std::shared_ptr<Behaviour> Read(
      const Job& job, const Tick& tick = [] {}, ReadCounts* counts = nullptr);

  /// Moves all of it, with the joins, to memory of the host; this object must not be used any more.
  void Share(HostWriter* writer);
  /// Returns what was moved there. REQUIRES: `job` was that of Read.
  static std::shared_ptr<Behaviour> ReadShared(const Job& job, HostReader* reader);

  std::shared_ptr<const Joins> joins() const { return joins_; }
  /// The file that data.join joins by item; nullptr if there is none. Owned by joins().
  const JoinedFile* item_content() const { return item_content_; }

  int n_users() const { return users_.size(); }
  int n_items() const { return items_.size(); }
  std::string_view user(int user) const { return users_[user]; }
  std::string_view item(int item) const { return items_[item]; }
  /// The number of the user, or item, with this name; -1 if there is none.
  int FindUser(std::string_view name) const { return users_.Find(name); }
  int FindItem(std::string_view name) const { return items_.Find(name); }

  /// The items of a user's training events, in order of time, then of line.
  std::span<const int> events(int user) const { return EventsOf(user, SplitKind::kTrain); }
  /// Those of the events that are held out of training for the test split.
  std::span<const int> held_out(int user) const { return EventsOf(user, SplitKind::kTest); }
  /// Those of the events that are held out for the validation split.
  std::span<const int> held_out_for_validation(int user) const {
    return EventsOf(user, SplitKind::kValidation);
  }
  /// The number of training events of an item.
  int64_t count(int item) const { return counts_[static_cast<size_t>(item)]; }
  /// The number of training events of all items.
  int64_t n_events() const { return n_events_; }

  /// The number of lines of the training files, malformed ones included. All functions that take a
  /// `row` require 0 <= row < n_rows().
  int64_t n_rows() const { return static_cast<int64_t>(user_of_row_.size()); }
  /// Where files of plain text begin, [files], and where some of their lines do, ascending: a split
  /// of these files can jump there (RecordBlocks). Both are empty where a file is compressed or no
  /// text.
  std::span<const int64_t> file_begins() const { return file_begins_.values(); }
  std::span<const Records::Place> places() const { return places_.values(); }
  /// Whether the line has a time.
  bool HasTime(int64_t row) const { return !std::isnan(TimeOf(row)); }
  /// Whether the line is malformed by its value in the column data.behaviour.event.
  bool HasWrongEvent(int64_t row) const {
    return kinds_of_rows_[static_cast<size_t>(row)].has_wrong_event;
  }
  /// What the times of the lines are; nullopt where no line has one.
  std::optional<TimeKind> time_kind() const { return time_kind_; }
  /// The split that the line belongs to.
  SplitKind split(int64_t row) const { return kinds_of_rows_[static_cast<size_t>(row)].split; }
  /// Whether the line is held out of training.
  bool IsHeldOut(int64_t row) const { return split(row) != SplitKind::kTrain; }
  /// Whether the line is a training event: well-formed, not held out, and with a positive value in
  /// the column data.behaviour.event if the job names one (in other lines the item was only shown).
  bool IsLearnedEvent(int64_t row) const {
    return kinds_of_rows_[static_cast<size_t>(row)].is_event && !IsHeldOut(row);
  }
  /// The column `history` of a line: the last history_length training events of its user before
  /// this line, as names of items separated by "|", oldest first; "" for a malformed line.
  std::string HistoryBefore(int64_t row) const;
  /// The column `history` of a user after all training events; "" for user -1.
  std::string HistoryOf(int user) const;
  /// The column `history` of these items, oldest first, which need not be of the files: the last
  /// history_length of them.
  std::string HistoryOf(std::span<const std::string> items) const;
  /// The column `item_log_share` of an item: ln(count(item) / n_events()), with seven significant
  /// digits; an item without training events counts as half an event.
  std::string LogShareOf(std::string_view item) const;
  /// Draws the number of an item that the line's user has no training event with, by the rule of
  /// data.behaviour.negatives. Returns -1 after 100 draws of other items. REQUIRES: the job has
  /// data.behaviour.negatives, there are items, and the line is well-formed.
  int DrawNegative(int64_t row, Random* random) const;

 private:
  /// What is held out for a split: the last `last` events of each user, the lines of a time from
  /// `from_time` on, and those that draw a number in [begin, end); by default, nothing.
  struct HoldOutRule {
    size_t last = 0;  // 0: none
    std::optional<double> from_time;
    double begin = 0;
    double end = 0;
    uint64_t seed = 0;

    static HoldOutRule OfTest(const zhiyin::Behaviour& config);
    static HoldOutRule OfValidation(const zhiyin::Behaviour& config);
  };

  /// What a line is.
  struct RowKind {
    SplitKind split : 3 = SplitKind::kTrain;
    bool is_event : 1 = false;  // held-out events included
    bool has_wrong_event : 1 = false;
  };
  static_assert(sizeof(RowKind) == 1);

  Behaviour() = default;
  EventTime TimeOf(int64_t row) const { return time_of_row_[static_cast<size_t>(row)].time(); }
  /// Whether a line comes before another one in the order of events.
  bool IsEarlier(int64_t row, int64_t other) const;
  /// The part of `values`, which has one for each event, that has a user's events of a split.
  template <typename T>
  std::span<const T> PartOf(const HostArray<T>& values, int user, SplitKind split) const {
    const size_t* begin =
        &begins_[kSplits * static_cast<size_t>(user) + static_cast<size_t>(split)];
    return values.values().subspan(begin[0], begin[1] - begin[0]);
  }
  std::span<const int> EventsOf(int user, SplitKind split) const {
    return PartOf(event_items_, user, split);
  }
  std::string History(std::span<const int> before) const;
  /// Moves everything but the joins to memory of the host, or takes it from there.
  template <typename Archive>
  void ShareOwn(Archive* archive);
  /// Fills in what is known by row, and returns the items of the rows; -1: malformed.
  std::vector<int> ReadFiles(const Job& job, const Tick& tick, ReadCounts* counts);
  /// The time that `text` says; NaN where it says none, or one of another kind than those before.
  EventTime ReadTime(std::string_view text);
  /// Throws Error where all lines are on one side of `from_time`, the field `name` of
  /// data.behaviour, from which on they belong to `split`.
  void CheckFromTime(const char* name, EventTime from_time, const Data& data,
                     const Split& split) const;
  /// Fills in event_rows_, each user's in order of time and of line, with all events in train.
  void SortEvents(const Tick& tick);
  /// Sets the splits of all lines, and divides each user's events by them.
  void HoldOut(const zhiyin::Behaviour& config, const Tick& tick);
  /// Sets the split of the lines that the rule holds out, of those that are not held out yet.
  /// REQUIRES: events are sorted.
  void Mark(SplitKind kind, const HoldOutRule& rule, const Tick& tick);
  void AddJoined(const zhiyin::Behaviour& config, const Tick& tick);
  void PrepareNegatives(const zhiyin::Behaviour::Negatives& config, const Tick& tick);

  std::shared_ptr<Joins> joins_;
  const JoinedFile* item_content_ = nullptr;  // in joins_
  size_t history_length_ = 0;
  NameTable users_;
  NameTable items_;
  HostArray<int> user_of_row_;         // [n_rows]; -1: malformed
  HostArray<StoredTime> time_of_row_;  // [n_rows]; NaN: none
  HostArray<RowKind> kinds_of_rows_;   // [n_rows]
  std::optional<TimeKind> time_kind_;
  HostArray<int64_t> file_begins_;
  HostArray<Records::Place> places_;
  static constexpr size_t kSplits = 3;  // kTrain, kValidation, kTest
  // [kSplits * n_users + 1]: where the events of each user's splits begin
  HostArray<size_t> begins_;
  HostArray<int64_t> event_rows_;  // [events of all splits], by user, split, time and line
  HostArray<int> event_items_;     // their items
  HostArray<int64_t> counts_;
  int64_t n_events_ = 0;
  // event_items_, with the items of each user's training events ascending. Filled only for jobs
  // with negatives.
  HostArray<int> sorted_items_;
  // The cumulative weights count^power of the items; filled only for negatives by popularity.
  HostArray<double> sums_;
};

}  // namespace zhiyin::worker::data
