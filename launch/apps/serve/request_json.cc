#include "launch/apps/serve/request_json.h"

#include <utility>
#include <vector>

#include "common/text.h"

namespace zhiyin::launch::apps {
namespace {

using nlohmann::json;

/// Makes the values of a request from what the parser finds. Throws RequestError as ParseRequest
/// does, before more values are made.
class RequestReader : public nlohmann::json_sax<json> {
 public:
  json Take() { return std::move(root_); }

  bool null() override { return Put(nullptr); }
  bool boolean(bool value) override { return Put(value); }
  /// Called for numbers with a minus only, so that a 0 was -0.
  bool number_integer(number_integer_t value) override {
    return value == 0 ? Put("-0") : Put(value);
  }
  bool number_unsigned(number_unsigned_t value) override { return Put(value); }
  /// Also called for integers of more than 64 bits.
  bool number_float(number_float_t, const string_t& digits) override { return Put(digits); }
  bool string(string_t& value) override { return Put(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON has none
  bool start_object(size_t) override { return Open(json::object()); }
  bool start_array(size_t) override { return Open(json::array()); }
  bool key(string_t& key) override {
    key_ = std::move(key);
    return true;
  }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(size_t, const std::string& token, const json::exception& e) override {
    constexpr int kNumberOverflow = 406;
    if (e.id == kNumberOverflow)
      throw RequestError(400, "the number " + Shortened(OneLine(token), 40) +
                                  " is out of range, expected it as text in quotes");
    throw RequestError(400, "the body is no JSON: " + Shortened(OneLine(e.what()), 200));
  }

 private:
  bool Put(json value) {
    Add(std::move(value));
    return true;
  }
  bool Open(json value) {
    constexpr size_t kMaxDepth = 5;  // {"rows": [{"user": [[
    if (open_.size() == kMaxDepth)
      throw RequestError(400, "the body: nested deeper than rows of values");
    open_.push_back(Add(std::move(value)));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }
  /// Adds a value to the innermost open one; returns where it is.
  json* Add(json value) {
    if (++n_values_ > kMaxRequestValues)
      throw RequestError(413,
                         "the body: more than " + std::to_string(kMaxRequestValues) + " values");
    if (!open_.empty() && open_.back()->is_object() && open_.back()->contains(key_))
      throw RequestError(400, PlaceOfOpen() + ": \"" + Shortened(OneLine(key_), 100) +
                                  "\" stands twice in its object, expected once");
    json* const at = open_.empty()              ? &root_
                     : open_.back()->is_array() ? &open_.back()->emplace_back(nullptr)
                                                : &(*open_.back())[key_];
    *at = std::move(value);
    return at;
  }
  /// Returns the place of the innermost open value, for messages: rows[3].
  std::string PlaceOfOpen() const {
    std::string place;
    for (size_t i = 1; i < open_.size(); ++i) {
      json* const around = open_[i - 1];
      if (around->is_array()) {
        place += "[" + std::to_string(around->size() - 1) + "]";
        continue;
      }
      for (auto at = around->begin(); at != around->end(); ++at) {
        if (&*at == open_[i])
          place += (place.empty() ? "" : ".") + Shortened(OneLine(at.key()), 100);
      }
    }
    return place.empty() ? "the body" : place;
  }

  json root_;
  std::vector<json*> open_;  // arrays and objects, each in the one before
  std::string key_;
  int n_values_ = 0;
};

}  // namespace

json ParseRequest(const std::string& body) {
  RequestReader reader;
  json::sax_parse(body, &reader);
  return reader.Take();
}

std::string KindOf(const json& value) {
  const std::string name = value.type_name();
  return (name == "array" || name == "object" ? "an " : "a ") + name;
}

std::string CellText(const json& value, const std::string& where) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  throw RequestError(400, where + ": " + KindOf(value) + ", expected text, a number or null");
}

}  // namespace zhiyin::launch::apps
