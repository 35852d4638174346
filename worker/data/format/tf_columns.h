// The wanted columns of a serialized tf.train.Example or tf.train.SequenceExample.
#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "worker/data/format/record_reader.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// The number that a float stands for: of the decimal numbers that are nearer to it than to any
/// other float, the one with the fewest digits, which is what programs write into a CSV for it: 0.1
/// for the float that is 0.100000001490116. So a data set has equal numbers in either format.
double DecimalOfFloat(float number);

/// Finds wanted columns in records (docs/formats.md says what their names mean). It walks over the
/// serialized message and looks only at the features that are wanted: the generated class, which
/// makes a map entry of each, takes three times as long. Used by one thread.
class TfColumns {
 public:
  /// The largest number of categories in the lists of one record.
  static constexpr size_t kMaxListed = 1 << 20;

  explicit TfColumns(std::span<const WantedColumn> wanted);
  TfColumns(const TfColumns&) = delete;
  TfColumns& operator=(const TfColumns&) = delete;

  /// Sets *values to the wanted columns of a record, valid as long as its bytes and until the next
  /// call. Returns what is wrong with the record, or an empty string; where something is, all
  /// values are missing.
  std::string Parse(std::string_view record, std::vector<Value>* values);
  /// Whether the record that was parsed last has the feature of a column, or, for an element, the
  /// one that it is of.
  bool Has(size_t column) const;

 private:
  /// A feature or a feature list that a column may mean, and where it is in the present record.
  struct Feature {
    std::string name;
    std::optional<std::string_view> in_context = {};  // the serialized TfFeature
    std::optional<std::string_view> in_lists = {};    // the serialized TfFeatureList
  };
  /// A column: a feature of its name, or else an element of another.
  struct Column {
    WantedColumn::Use use;
    size_t feature;
    /// For NAME[index].
    std::optional<size_t> element_of = {};
    size_t index = 0;
  };
  /// A list of texts_.
  struct List {
    size_t column;
    size_t begin;
    size_t end;
  };
  /// An element of a feature. Exactly one of them counts, by the feature's kind.
  struct Element {
    uint32_t kind = 0;  // TfFeature's field number; 0: no element
    std::string_view text = {};
    float number = 0;
    int64_t integer = 0;
  };

  /// Returns the position in features_ of the one with this name, which it adds if need be.
  size_t FeatureNamed(std::string_view name);
  /// Sets where the wanted features are. Returns what is wrong with the record, or "".
  std::string FindFeatures(std::string_view record);
  std::string FindFeaturesIn(std::string_view map, bool are_lists);
  /// Sets the value of a column. Returns what is wrong with it, or "".
  std::string Take(size_t column, Value* value);
  std::string TakeList(size_t column, const Feature& feature);
  /// Takes the element at an index; without one, the only element.
  std::string TakeOne(const Feature& feature, WantedColumn::Use use, std::optional<size_t> index,
                      Value* value);
  /// Gives every element of a feature to `add`. Returns whether the feature is whole.
  template <typename Add>
  bool ForEachElement(const Feature& feature, const Add& add);
  /// Gives every element of a serialized TfFeature to `add`. Returns whether it is whole.
  template <typename Add>
  bool ForEachOfOne(std::string_view feature, const Add& add);
  /// Sets *text to an element as text. Returns what is wrong with it, or "".
  std::string ToText(const Element& element, std::string_view* text);

  std::vector<Column> columns_;    // [wanted columns]
  std::vector<Feature> features_;  // [features that columns may mean]
  std::unordered_map<std::string_view, size_t> by_name_;
  // These are of the present record.
  std::vector<std::string_view> texts_;
  std::vector<List> lists_;
  std::vector<std::string_view> pieces_;  // of the list of one feature
  std::array<std::byte, 16 << 10> some_memory_;
  std::pmr::monotonic_buffer_resource number_texts_{some_memory_.data(), some_memory_.size()};
};

/// Adds the names of the features and feature lists of a record.
void AddTfNames(std::string_view record, std::set<std::string>* names);

}  // namespace zhiyin::worker::data
