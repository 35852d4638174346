#include "worker/data/behaviour.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "common/error.h"
#include "common/random.h"
#include "common/text.h"
#include "worker/data/example_parser.h"
#include "worker/data/missing_values.h"
#include "worker/data/records.h"

namespace zhiyin::worker::data {
namespace {

constexpr EventTime kNoTime = std::numeric_limits<EventTime>::quiet_NaN();

std::string TextOfTime(EventTime time) {
  char text[64];
  const bool is_whole = time == std::floor(time) && std::abs(time) < 1e19L;
  std::snprintf(text, sizeof(text), is_whole ? "%.0Lf" : "%.15Lg", time);
  return text;
}

/// Says that two times differ by about a power of 1000, as those of different units do; "" where
/// they do not.
std::string HintAtUnits(EventTime from_time, EventTime time) {
  if (!(from_time > 0) || !(time > 0)) return "";
  const EventTime thousands = std::log10(time / from_time) / 3;
  const EventTime nearest = std::round(thousands);
  if (nearest == 0 || std::abs(thousands - nearest) > 0.1L) return "";
  return ", which is about " + TextOfTime(std::pow(1000.0L, nearest)) +
         " times as much: is one in seconds and the other in milliseconds, or the like?";
}

bool IsEarlier(const Behaviour::Event& a, const Behaviour::Event& b) {
  return std::tie(a.time, a.row) < std::tie(b.time, b.row);
}

int NumberOf(std::string_view name, std::unordered_map<std::string, int>* numbers,
             std::vector<std::string>* names) {
  const auto [at, is_new] = numbers->emplace(name, static_cast<int>(names->size()));
  if (is_new) names->emplace_back(name);
  return at->second;
}

/// The positions of the columns that make a record an event.
struct EventColumns {
  EventColumns(const zhiyin::Behaviour& config, const Records& records)
      : user(PositionOf(config.user(), records)),
        item(PositionOf(config.item(), records)),
        time(PositionOf(config.time(), records)) {
    if (!config.event().empty()) event = PositionOf(config.event(), records);
  }

  size_t user;
  size_t item;
  size_t time;
  std::optional<size_t> event;

 private:
  static size_t PositionOf(const std::string& column, const Records& records) {
    const std::vector<std::string>& names = records.columns().names;
    const auto at = std::find(names.begin(), names.end(), column);
    const size_t position = static_cast<size_t>(at - names.begin());
    if (at == names.end() || !records.Has(position))
      Fail(records.columns().where, ": no column \"", column, "\" (data.behaviour)",
           Suggestion(column, names));
    return position;
  }
};

/// Whether the value of data.behaviour.event says that the user had to do with the item.
bool HasHappened(const Value& value, const MissingValues& missing) {
  double number = 0;
  return !missing.Has(value) && ReadNumber(value, &number) && number > 0;
}

}  // namespace

std::shared_ptr<const Behaviour> Behaviour::Read(const Job& job, const Tick& tick) {
  const zhiyin::Behaviour& config = job.data().behaviour();
  std::shared_ptr<Behaviour> all(new Behaviour);
  all->joins_ = Joins::Read(job, tick);
  all->history_length_ = static_cast<size_t>(config.history_length());
  all->ReadFiles(job, tick);
  if (config.has_from_time())
    all->CheckFromTime("from_time", config.from_time(), job.data(), job.data().test());
  if (config.has_validation_from_time())
    all->CheckFromTime("validation_from_time", config.validation_from_time(), job.data(),
                       job.data().validation());
  all->HoldOut(config, tick);
  all->AddJoined(config, tick);
  all->counts_.resize(all->items_.size());
  PieceTick user_tick(tick);
  for (const std::vector<Event>& own : all->events_) {
    user_tick();
    for (const Event& event : own) ++all->counts_[static_cast<size_t>(event.item)];
    all->n_events_ += static_cast<int64_t>(own.size());
  }
  if (config.has_negatives()) all->PrepareNegatives(config.negatives(), tick);
  return all;
}

void Behaviour::PrepareNegatives(const zhiyin::Behaviour::Negatives& config, const Tick& tick) {
  PieceTick piece_tick(tick);
  for (const std::vector<Event>& own : events_) {
    piece_tick();
    std::vector<int>& items = items_of_.emplace_back();
    for (const Event& event : own) items.push_back(event.item);
    std::sort(items.begin(), items.end());
  }
  if (config.by() != zhiyin::Behaviour::Negatives::POPULARITY) return;
  double sum = 0;
  for (const int64_t n : counts_) {
    piece_tick();
    sums_.push_back(sum += n == 0 ? 0 : std::pow(static_cast<double>(n), config.power()));
  }
}

void Behaviour::ReadFiles(const Job& job, const Tick& tick) {
  const std::unique_ptr<Records> records =
      OpenRecords(job, job.data().train(), LabelUse::kIgnored, tick);
  const EventColumns columns(job.data().behaviour(), *records);
  const size_t n_columns = static_cast<size_t>(records->columns().n);
  const MissingValues missing(job.data().text());
  PieceTick record_tick(tick);
  RecordView record;
  const auto text_of = [&](size_t column) {
    const Value& value = record.values[column];
    return missing.Has(value) ? std::string_view() : value.text();
  };
  while (records->Next(&record)) {
    record_tick();
    Event event;
    event.row = n_rows();
    const bool is_whole = record.wrong.empty() && record.values.size() == n_columns;
    const std::string_view user = is_whole ? text_of(columns.user) : std::string_view();
    const std::string_view item = is_whole ? text_of(columns.item) : std::string_view();
    const std::string_view time = is_whole ? text_of(columns.time) : std::string_view();
    event.time = time.empty() ? kNoTime : ReadTime(time);
    user_of_row_.push_back(-1);
    time_of_row_.push_back(event.time);
    is_event_.push_back(false);
    if (user.empty() || item.empty() || std::isnan(event.time)) continue;
    if (item.find('|') != std::string_view::npos)
      Fail(records->path(), ":", records->number(), ": item \"", item,
           "\", expected one without |, which separates items of a history");
    const int number = NumberOf(user, &user_numbers_, &users_);
    event.item = NumberOf(item, &item_numbers_, &items_);
    user_of_row_.back() = number;
    events_.resize(users_.size());
    if (columns.event && !HasHappened(record.values[*columns.event], missing)) continue;
    is_event_.back() = true;
    events_[static_cast<size_t>(number)].push_back(event);
  }
}

EventTime Behaviour::ReadTime(std::string_view text) {
  const std::optional<ParsedTime> parsed = ParseTime(text);
  if (!parsed) return kNoTime;
  if (!time_kind_) time_kind_ = parsed->kind;
  return parsed->kind == *time_kind_ ? parsed->time : kNoTime;
}

void Behaviour::CheckFromTime(const char* name, EventTime from_time, const Data& data,
                              const Split& split) const {
  EventTime first = kNoTime;
  EventTime last = kNoTime;
  for (size_t row = 0; row < user_of_row_.size(); ++row) {
    if (user_of_row_[row] < 0) continue;
    first = std::fmin(first, time_of_row_[row]);  // ignores a NaN
    last = std::fmax(last, time_of_row_[row]);
  }
  const bool is_needed = std::equal(data.train().file().begin(), data.train().file().end(),
                                    split.file().begin(), split.file().end());
  const bool none_before = first >= from_time;
  const bool none_after = last < from_time && is_needed;
  if (!none_before && !none_after) return;
  Fail("data.behaviour.", name, ": is ", TextOfTime(from_time), ", but ",
       none_before ? "no time is before it" : "all times are before it", ": column \"",
       data.behaviour().time(), "\" has ", TextOfTime(first), " to ", TextOfTime(last),
       time_kind_ == TimeKind::kDate ? " in seconds since 1970" : "",
       HintAtUnits(from_time, (first + last) / 2));
}

Behaviour::HoldOutRule Behaviour::HoldOutRule::OfTest(const zhiyin::Behaviour& config) {
  HoldOutRule rule;
  rule.last = static_cast<size_t>(config.last());
  if (config.has_from_time()) rule.from_time = config.from_time();
  rule.end = config.share();
  rule.seed = config.seed();
  return rule;
}

Behaviour::HoldOutRule Behaviour::HoldOutRule::OfValidation(const zhiyin::Behaviour& config) {
  HoldOutRule rule;
  rule.last = static_cast<size_t>(config.validation_last());
  if (config.has_validation_from_time()) rule.from_time = config.validation_from_time();
  rule.begin = config.share();
  rule.end = rule.begin + config.validation_share();
  rule.seed = config.seed();
  return rule;
}

void Behaviour::HoldOut(const zhiyin::Behaviour& config, const Tick& tick) {
  PieceTick user_tick(tick);
  for (std::vector<Event>& own : events_) {
    user_tick();
    std::sort(own.begin(), own.end(), IsEarlier);
  }
  split_of_row_.assign(user_of_row_.size(), SplitKind::kTrain);
  Mark(SplitKind::kTest, HoldOutRule::OfTest(config), tick);
  Mark(SplitKind::kValidation, HoldOutRule::OfValidation(config), tick);
  held_out_.resize(events_.size());
  held_out_for_validation_.resize(events_.size());
  for (size_t u = 0; u < events_.size(); ++u) {
    user_tick();
    std::vector<Event> kept;
    for (const Event& event : events_[u]) {
      const SplitKind kind = split(event.row);
      (kind == SplitKind::kTrain  ? kept
       : kind == SplitKind::kTest ? held_out_[u]
                                  : held_out_for_validation_[u])
          .push_back(event);
    }
    events_[u] = std::move(kept);
  }
}

void Behaviour::Mark(SplitKind kind, const HoldOutRule& rule, const Tick& tick) {
  PieceTick piece_tick(tick);
  // The first of the last events of each user that has more of them.
  std::vector<std::optional<Event>> first(rule.last > 0 ? events_.size() : 0);
  for (size_t u = 0; u < first.size(); ++u) {
    piece_tick();
    std::vector<Event> left;
    for (const Event& event : events_[u]) {
      if (!IsHeldOut(event.row)) left.push_back(event);
    }
    if (left.size() > rule.last) first[u] = left[left.size() - rule.last];
  }
  for (size_t row = 0; row < user_of_row_.size(); ++row) {
    piece_tick();
    if (user_of_row_[row] < 0 || split_of_row_[row] != SplitKind::kTrain) continue;
    const Event here = {0, time_of_row_[row], static_cast<int64_t>(row)};
    const size_t user = static_cast<size_t>(user_of_row_[row]);
    bool is_held_out = rule.from_time && here.time >= *rule.from_time;
    if (rule.last > 0) is_held_out = first[user] && !IsEarlier(here, *first[user]);
    if (rule.end > rule.begin) {
      const double drawn = Random(rule.seed, static_cast<uint64_t>(row)).Uniform();
      is_held_out = drawn >= rule.begin && drawn < rule.end;
    }
    if (is_held_out) split_of_row_[row] = kind;
  }
}

void Behaviour::AddJoined(const zhiyin::Behaviour& config, const Tick& tick) {
  PieceTick line_tick(tick);
  if (const JoinedFile* users = joins_->ByColumn(config.user())) {
    for (int i = 0; i < users->n_lines(); ++i) {
      line_tick();
      NumberOf(users->key(i), &user_numbers_, &users_);
    }
    events_.resize(users_.size());
    held_out_.resize(users_.size());
    held_out_for_validation_.resize(users_.size());
  }
  item_content_ = joins_->ByColumn(config.item());
  if (const JoinedFile* items = item_content_) {
    for (int i = 0; i < items->n_lines(); ++i) {
      line_tick();
      NumberOf(items->key(i), &item_numbers_, &items_);
    }
  }
}

int Behaviour::DrawNegative(int64_t row, Random* random) const {
  const std::vector<int>& own =
      items_of_[static_cast<size_t>(user_of_row_[static_cast<size_t>(row)])];
  constexpr int kTrials = 100;
  for (int i = 0; i < kTrials; ++i) {
    int item = 0;
    if (sums_.empty()) {
      item = static_cast<int>(random->Below(items_.size()));
    } else {
      const auto at =
          std::upper_bound(sums_.begin(), sums_.end(), random->Uniform() * sums_.back());
      item = static_cast<int>(std::min(at, sums_.end() - 1) - sums_.begin());
    }
    if (!std::binary_search(own.begin(), own.end(), item)) return item;
  }
  return -1;
}

int Behaviour::FindUser(std::string_view name) const {
  const auto at = user_numbers_.find(std::string(name));
  return at == user_numbers_.end() ? -1 : at->second;
}

int Behaviour::FindItem(std::string_view name) const {
  const auto at = item_numbers_.find(std::string(name));
  return at == item_numbers_.end() ? -1 : at->second;
}

std::string Behaviour::History(std::span<const Event> before) const {
  std::string history;
  for (const Event& event : before.last(std::min(before.size(), history_length_))) {
    if (!history.empty()) history += '|';
    history += item(event.item);
  }
  return history;
}

std::string Behaviour::HistoryBefore(int64_t row) const {
  const int user = user_of_row_[static_cast<size_t>(row)];
  if (user < 0) return "";
  const std::span<const Event> own = events(user);
  const Event here = {0, time_of_row_[static_cast<size_t>(row)], row};
  const auto end = std::lower_bound(own.begin(), own.end(), here, IsEarlier);
  return History(own.first(static_cast<size_t>(end - own.begin())));
}

std::string Behaviour::HistoryOf(int user) const {
  return user < 0 ? "" : History(events(user));
}

std::string Behaviour::HistoryOf(std::span<const std::string> items) const {
  std::string history;
  for (const std::string& name : items.last(std::min(items.size(), history_length_))) {
    if (!history.empty()) history += '|';
    history += name;
  }
  return history;
}

std::string Behaviour::LogShareOf(std::string_view item) const {
  const int number = FindItem(item);
  const double n = number < 0 ? 0 : static_cast<double>(count(number));
  char text[32];
  std::snprintf(text, sizeof(text), "%.7g",
                std::log(std::max(n, 0.5) / std::max<double>(static_cast<double>(n_events_), 1)));
  return text;
}

}  // namespace zhiyin::worker::data
