/* libxml2's headers include ICU's where it was built with it; we use none of that, and ICU's types would meet
   Foundation's own copies of them. */
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/xmlreader.h>
