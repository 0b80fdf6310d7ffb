// Debian ships fmt as a shared library only. This file compiles the parts that are not in fmt's
// headers into a static one, so that the binary does not need libfmt at run time: the inline half
// is included, the templates our code links against are instantiated.
#include <fmt/format-inl.h>

namespace fmt {
inline namespace v9 {
namespace detail {
template void buffer<char>::append(const char*, const char*);
template void vformat_to(buffer<char>&, string_view, basic_format_args<buffer_context<char>>,
                         locale_ref);
template char decimal_point_impl(locale_ref);
template thousands_sep_result<char> thousands_sep_impl(locale_ref);
template dragonbox::decimal_fp<float> dragonbox::to_decimal(float) noexcept;
template dragonbox::decimal_fp<double> dragonbox::to_decimal(double) noexcept;
}  // namespace detail
}  // namespace v9
}  // namespace fmt
