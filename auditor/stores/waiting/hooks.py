"""The methods that frameworks ask of views: a method of any other name is the tree's own, and runs where the tree calls it.

Sources: https://ccbv.co.uk, https://www.cdrf.co, https://django-filter.readthedocs.io/en/stable/guide/rest_framework.html.
"""

from __future__ import annotations

import re

VIEW = r"^django\.views\.|^rest_framework\.(?:views|generics|viewsets|mixins)\.|^django_filters\.views\."
ASKS_VIEWS = re.compile(rf"{VIEW}|^django\.contrib\.auth\.mixins\.")
"""What calls methods of the views that inherit from it by these names alone."""
NAMED = re.compile(
    r"^ninja\.security\.|^fastapi\.security\.|^starlette\.(?:authentication|middleware\.base)\.|^channels\.(?:generic\.\w+|consumer)\."
    r"|^rest_framework\.(?:authentication|permissions|throttling)\.|^django\.contrib\.(?:sitemaps|syndication\.views)\."
    r"|^(?:wtforms|flask_wtf)\.(?:\w+\.)*(?:Flask)?Form$|^aiogram\.(?:\w+\.)*(?:BaseMiddleware|BaseFilter|Filter)$"
    r"|^graphene\.(?:\w+\.)*(?:Mutation|ClientIDMutation)$"
)
"""What calls methods of what inherits from it where the code names that: `@api.get("/notes", auth=Key())`. No list is
kept of all that inherits."""
OF_VIEWS = {
    "allowed_methods", "check_object_permissions", "check_permissions", "check_throttles", "default_response_headers", "determine_version",
    "filter_queryset", "finalize_response", "form_invalid", "form_valid", "formset_invalid", "formset_valid", "handle_exception",
    "handle_no_permission", "has_permission", "http_method_not_allowed", "initialize_request", "paginate_queryset", "partial_update",
    "perform_authentication", "perform_content_negotiation", "perform_create", "perform_destroy", "perform_update", "permission_denied",
    "raise_uncaught_exception", "render_to_response", "reverse_action", "test_func", "throttled", "trace", "uses_datetime_field",
} | {
    f"get_{name}"
    for name in (
        "allow_empty", "allow_future", "authenticate_header", "authenticators", "content_negotiator", "context_data", "context_object_name",
        "date_field", "date_list", "date_list_period", "dated_items", "dated_queryset", "day", "day_format", "default_redirect_url",
        "exception_handler", "exception_handler_context", "extra_action_url_map", "extra_actions", "filter_backends", "filterset",
        "filterset_class", "filterset_fields", "filterset_kwargs", "form", "form_class", "form_kwargs", "format_suffix", "initial",
        "login_url", "make_object_list", "month", "month_format", "next_day", "next_month", "next_week", "next_year", "object", "ordering",
        "paginate_by", "paginate_orphans", "paginated_response", "paginator", "parser_context", "parsers", "permission_denied_message",
        "permission_required", "permissions", "prefix", "previous_day", "previous_month", "previous_week", "previous_year", "queryset",
        "redirect_field_name", "redirect_url", "renderer_context", "renderers", "search_fields", "serializer", "serializer_class",
        "serializer_context", "slug_field", "strict", "success_headers", "success_message", "success_url", "success_url_allowed_hosts",
        "template_names", "test_func", "throttles", "user", "view_description", "view_name", "week", "week_format", "year", "year_format",
    )
}  # fmt: skip
