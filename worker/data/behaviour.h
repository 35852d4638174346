// Who did what with which item, and when: the training files as a whole.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/random.h"
#include "configs/job.pb.h"
#include "worker/data/joins.h"

namespace zhiyin::worker::data {

/// As job.proto describes data.behaviour. Immutable; any number of threads. Users and items are
/// numbered in the order in which they first appear in the training files, then those that only a
/// join names. A row without a user, an item or a number as its time is no event; a Source reports
/// malformed lines.
class Behaviour {
 public:
  struct Event {
    int item = 0;
    double time = 0;
    int64_t row = 0;  // of all files together, header lines left out
  };

  /// Reads data.train.file and data.join. Throws Error where a file cannot be read, a column is not
  /// there, or an item holds a |. REQUIRES: the job has passed validation and has data.behaviour.
  static std::shared_ptr<const Behaviour> Read(const Job& job);

  const std::shared_ptr<const Joins>& joins() const { return joins_; }
  /// What data.join says of items, by their names; null where it says nothing.
  const JoinedFile* item_content() const { return item_content_; }

  int n_users() const { return static_cast<int>(users_.size()); }
  int n_items() const { return static_cast<int>(items_.size()); }
  const std::string& user(int user) const { return users_[static_cast<size_t>(user)]; }
  const std::string& item(int item) const { return items_[static_cast<size_t>(item)]; }
  /// -1 where there is none of that name.
  int FindUser(std::string_view name) const;
  int FindItem(std::string_view name) const;

  /// Events that are learned from, by time, then row.
  std::span<const Event> events(int user) const { return events_[static_cast<size_t>(user)]; }
  /// Events of the test split, by time, then row.
  std::span<const Event> held_out(int user) const { return held_out_[static_cast<size_t>(user)]; }
  /// Events that are learned from, of an item and of all.
  int64_t count(int item) const { return counts_[static_cast<size_t>(item)]; }
  int64_t n_events() const { return n_events_; }

  int64_t n_rows() const { return static_cast<int64_t>(user_of_row_.size()); }
  /// REQUIRES: row < n_rows(), here and below.
  bool IsHeldOut(int64_t row) const { return is_held_out_[static_cast<size_t>(row)]; }
  /// Of the training split's, and not only shown.
  bool IsLearnedEvent(int64_t row) const {
    return is_event_[static_cast<size_t>(row)] && !IsHeldOut(row);
  }
  /// The value of column `history` for a row of the training files, or of a user as things are
  /// after all events that are learned from.
  std::string HistoryBefore(int64_t row) const;
  std::string HistoryOf(int user) const;
  /// The value of column item_log_share. An item without an event has the share of half an event.
  std::string LogShareOf(std::string_view item) const;
  /// Another item for a row of a user, as data.behaviour.negatives says; -1 where the user seems to
  /// have an event with every item. REQUIRES: the job has negatives, and there are items.
  int DrawNegative(int64_t row, Random* random) const;

 private:
  Behaviour() = default;
  std::string History(std::span<const Event> before) const;
  void ReadFile(const Job& job, const std::string& path);
  void HoldOut(const zhiyin::Behaviour& config);
  void AddJoined(const zhiyin::Behaviour& config);

  std::shared_ptr<const Joins> joins_;
  const JoinedFile* item_content_ = nullptr;  // of joins_
  size_t history_length_ = 0;
  std::vector<std::string> users_;
  std::vector<std::string> items_;
  std::unordered_map<std::string, int> user_numbers_;
  std::unordered_map<std::string, int> item_numbers_;
  std::vector<std::vector<Event>> events_;
  std::vector<std::vector<Event>> held_out_;
  std::vector<int64_t> counts_;
  int64_t n_events_ = 0;
  std::vector<bool> is_held_out_;    // [rows]
  std::vector<bool> is_event_;       // [rows]
  std::vector<int> user_of_row_;     // [rows]; -1: malformed
  std::vector<double> time_of_row_;  // [rows]
  std::vector<std::vector<int>>
      items_of_;              // with negatives: of each user, ascending, of learned events
  std::vector<double> sums_;  // with negatives by popularity: of the items' weights up to each
};

}  // namespace zhiyin::worker::data
