"""What the URL configurations of packages serve, as their own resolver and test client tell it.

Each line under a module has the methods, the route, the view, and who is let in: `user` demands
somebody who has signed in (or more), `open` lets anybody in, other words say why it is public.
Taken with djoser 2.3, django-rest-knox 5, django-rest-registration 0.9, django-rest-passwordreset 1.5,
drfpasswordless 1.5, django-hijack 3, django-impersonate 1.9, django-tinymce 5, django-ckeditor-5 0.2,
django-simple-captcha 0.7, django-registration 5, django-registration-redux 2, django-organizations 2,
django-invitations 2, django-rosetta 0.10, django-rq 4, django-silk 5, django-sql-explorer 5 and others.
"""

from __future__ import annotations

Row = tuple[tuple[str, ...], str, str, str]
"""Methods, route, view, who is let in."""

_TABLE = r"""
djoser.urls
  GET ^users/$ UserViewSet.list user
  POST ^users/$ UserViewSet.create registration
  POST ^users/activation/$ UserViewSet.activation registration
  GET,PUT,PATCH,DELETE ^users/me/$ UserViewSet.me user
  POST ^users/resend_activation/$ UserViewSet.resend_activation registration
  POST ^users/reset_password/$ UserViewSet.reset_password password-recovery
  POST ^users/reset_password_confirm/$ UserViewSet.reset_password_confirm password-recovery
  POST ^users/reset_username/$ UserViewSet.reset_username password-recovery
  POST ^users/reset_username_confirm/$ UserViewSet.reset_username_confirm password-recovery
  POST ^users/set_password/$ UserViewSet.set_password user
  POST ^users/set_username/$ UserViewSet.set_username user
  GET ^users/(?P<id>[^/.]+)/$ UserViewSet.retrieve user
  PUT ^users/(?P<id>[^/.]+)/$ UserViewSet.update user
  PATCH ^users/(?P<id>[^/.]+)/$ UserViewSet.partial_update user
  DELETE ^users/(?P<id>[^/.]+)/$ UserViewSet.destroy user
  GET "" APIRootView open
djoser.urls.jwt
  POST ^jwt/create/? TokenObtainPairView login
  POST ^jwt/refresh/? TokenRefreshView token-refresh
  POST ^jwt/verify/? TokenVerifyView token-refresh
djoser.urls.authtoken
  POST ^token/login/?$ TokenCreateView login
  POST ^token/logout/?$ TokenDestroyView user
knox.urls
  POST login/ LoginView user
  POST logout/ LogoutView user
  POST logoutall/ LogoutAllView user
rest_registration.api.urls
  POST register/ RegisterView registration
  POST verify-registration/ VerifyRegistrationView registration
  POST send-reset-password-link/ SendResetPasswordLinkView password-recovery
  POST reset-password/ ResetPasswordView password-recovery
  POST login/ LoginView login
  POST logout/ LogoutView user
  GET,POST,PUT,PATCH profile/ ProfileView user
  POST change-password/ ChangePasswordView user
  POST register-email/ RegisterEmailView user
  POST verify-email/ VerifyEmailView registration
django_rest_passwordreset.urls
  POST validate_token/ ResetPasswordValidateToken password-recovery
  POST confirm/ ResetPasswordConfirm password-recovery
  POST "" ResetPasswordRequestToken password-recovery
drfpasswordless.urls
  POST auth/email/ ObtainEmailCallbackToken login
  POST auth/mobile/ ObtainMobileCallbackToken login
  POST auth/token/ ObtainAuthTokenFromCallbackToken login
  POST auth/verify/email/ ObtainEmailVerificationCallbackToken user
  POST auth/verify/mobile/ ObtainMobileVerificationCallbackToken user
  POST auth/verify/ VerifyAliasFromCallbackToken login
hijack.urls
  POST acquire/ AcquireUserView open
  POST release/ ReleaseUserView user
impersonate.urls
  ANY stop/ stop_impersonate open
  ANY list/ list_users user
  ANY search/ search_users user
  ANY <path:uid>/ impersonate user
tinymce.urls
  ANY flatpages_link_list/ flatpages_link_list open
  ANY compressor/ compressor open
  ANY filebrowser/ filebrowser open
django_ckeditor_5.urls
  POST image_upload/ upload_file user
django_browser_reload.urls
  ANY events/ events open
captcha.urls
  ANY image/(?P<key>\w+)/$ captcha_image open
  ANY image/(?P<key>\w+)@2/$ captcha_image open
  ANY audio/(?P<key>\w+).wav$ captcha_audio open
  ANY refresh/$ captcha_refresh open
registration.auth_urls
  GET,POST,PUT login/ LoginView login
  POST logout/ LogoutView logout
  GET,POST,PUT password/change/ PasswordChangeView user
  GET password/change/done/ PasswordChangeDoneView user
  GET,POST,PUT password/reset/ PasswordResetView password-recovery
  GET password/reset/complete/ PasswordResetCompleteView password-recovery
  GET password/reset/done/ PasswordResetDoneView password-recovery
  GET,POST,PUT password/reset/confirm/<uidb64>/<token>/ PasswordResetConfirmView password-recovery
registration.backends.default.urls
  GET activate/complete/ TemplateView registration
  GET,POST,PUT activate/resend/ ResendActivationView registration
  GET activate/<activation_key>/ ActivationView registration
  GET register/complete/ TemplateView registration
  GET register/closed/ TemplateView registration
  GET,POST register/ RegistrationView registration
  include registration.auth_urls
registration.backends.simple.urls
  GET register/closed/ TemplateView registration
  GET,POST register/ RegistrationView registration
  include registration.auth_urls
django_registration.backends.activation.urls
  GET activate/complete/ TemplateView registration
  GET,POST,PUT activate/ ActivationView registration
  GET,POST,PUT register/ RegistrationView registration
  GET register/complete/ TemplateView registration
  GET register/closed/ TemplateView registration
django_registration.backends.one_step.urls
  GET,POST,PUT register/ RegistrationView registration
  GET register/closed/ TemplateView registration
  GET register/complete/ TemplateView registration
organizations.urls
  GET "" OrganizationList user
  GET,POST,PUT add/ OrganizationCreate user
  GET <int:organization_pk>/ OrganizationDetail user
  GET,POST,PUT <int:organization_pk>/edit/ OrganizationUpdate user
  GET,POST,DELETE <int:organization_pk>/delete/ OrganizationDelete user
  GET <int:organization_pk>/people/ OrganizationUserList user
  GET,POST,PUT <int:organization_pk>/people/add/ OrganizationUserCreate user
  GET,POST <int:organization_pk>/people/<int:user_pk>/remind/ OrganizationUserRemind user
  GET <int:organization_pk>/people/<int:user_pk>/ OrganizationUserDetail user
  GET,POST,PUT <int:organization_pk>/people/<int:user_pk>/edit/ OrganizationUserUpdate user
  GET,POST,DELETE <int:organization_pk>/people/<int:user_pk>/delete/ OrganizationUserDelete user
invitations.urls
  GET,POST,PUT send-invite/ SendInvite user
  POST send-json-invite/ SendJSONInvite user
  GET,POST ^accept-invite/(?P<key>\w+)/?$ AcceptInvite registration
django_select2.urls
  GET fields/auto.json AutoResponseView open
django_summernote.urls
  GET editor/<id>/ SummernoteEditor open
  GET,POST upload_attachment/ SummernoteUploadAttachment open
martor.urls
  ANY markdownify/ markdownfy_view open
  ANY uploader/ markdown_imgur_uploader user
  ANY search-user/ markdown_search_user user
watchman.urls
  ANY ^$ status open
  ANY ^dashboard/$ dashboard open
  ANY ^ping/$ ping health-check
loginas.urls
  POST login/user/<str:user_id>/ user_login login
  ANY logout/ user_logout logout
rosetta.urls
  GET,POST,PUT,PATCH,DELETE ^$ RedirectView open
  GET,POST,PUT,PATCH,DELETE ^files/$ RedirectView open
  GET ^files/(?P<po_filter>[\w-]+)/$ TranslationFileListView user
  ANY ^translate/$ translate_text user
tz_detect.urls
  POST set/ SetOffsetView open
webpush.urls
  GET jsi18n/ JavaScriptCatalog static-files
  POST save_information save_info open
  GET service-worker.js ServiceWorkerView open
grappelli.urls
  GET ^lookup/related/$ RelatedLookup user
  GET ^lookup/m2m/$ M2MLookup user
  GET ^lookup/autocomplete/$ AutocompleteLookup user
  ANY ^switch/user/(?P<object_id>\d+)/$ switch_user user
paypal.standard.ipn.urls
  POST ^$ ipn open
nested_admin.urls
  ANY ^server-data\.js$ server_data_js user
waffle.urls
  ANY wafflejs wafflejs open
  ANY waffle_status waffle_json open
avatar.urls
  ANY add/ add user
  ANY change/ change user
  ANY delete/ delete user
  ANY render_primary/<slug:user>/<int:width>/ render_primary open
  ANY render_primary/<slug:user>/<int:width>/<int:height>/ render_primary open
cookie_consent.urls
  POST accept/ CookieGroupAcceptView open
  POST decline/ CookieGroupDeclineView open
  GET status/ CookieStatusView open
  GET "" CookieGroupListView open
django_comments.urls
  POST post/ post_comment open
  ANY posted/ confirmed open
  ANY flag/<int:comment_id>/ flag user
  ANY flagged/ confirmed open
  ANY delete/<int:comment_id>/ delete user
  ANY deleted/ confirmed open
  ANY approve/<int:comment_id>/ approve user
  ANY approved/ confirmed open
  ANY ^cr/(\d+)/(.+)/$ shortcut open
mdeditor.urls
  POST ^uploads/$ UploadView open
django_rq.urls
  ANY ^stats.json/?$ stats_json user
  ANY ^stats.json/(?P<token>[\w]+)?/?$ stats_json user
  ANY ^metrics/?$ prometheus_metrics user
  ANY "" stats user
  ANY queues/<int:queue_index>/ jobs user
  ANY queues/<int:queue_index>/details/ queue_details user
  ANY queues/<int:queue_index>/finished/ finished_jobs user
  ANY queues/<int:queue_index>/failed/ failed_jobs user
  ANY queues/<int:queue_index>/failed/clear/ delete_failed_jobs user
  ANY queues/<int:queue_index>/scheduled/ scheduled_jobs user
  ANY queues/<int:queue_index>/started/ started_jobs user
  ANY queues/<int:queue_index>/deferred/ deferred_jobs user
  ANY queues/<int:queue_index>/empty/ clear_queue user
  ANY queues/<int:queue_index>/requeue-all/ requeue_all user
  ANY queues/<int:queue_index>/<str:job_id>/ job_detail user
  ANY queues/<int:queue_index>/<str:job_id>/results/<str:result_id>/ result_detail user
  ANY queues/<int:queue_index>/<str:job_id>/delete/ delete_job user
  ANY queues/<int:queue_index>/<str:job_id>/requeue/ requeue_job_view user
  ANY queues/<int:queue_index>/<str:job_id>/enqueue/ enqueue_job user
  POST queues/<int:queue_index>/<str:job_id>/stop/ stop_job user
  ANY queues/confirm-action/<int:queue_index>/ confirm_action user
  ANY queues/actions/<int:queue_index>/ actions user
  ANY workers/<int:queue_index>/ workers user
  ANY workers/<int:queue_index>/<str:key>/ worker_details user
  ANY schedulers/<int:scheduler_index>/ scheduler_jobs user
  ANY cron-schedulers/<int:connection_index>/<str:scheduler_name>/ cron_scheduler_detail user
silk.urls
  GET,POST "" SummaryView open
  GET,POST requests/ RequestsView open
  GET request/<uuid:request_id>/ RequestView open
  GET request/<uuid:request_id>/sql/ SQLView open
  GET request/<uuid:request_id>/sql/<int:sql_id>/ SQLDetailView open
  GET request/<uuid:request_id>/raw/ Raw open
  GET request/<uuid:request_id>/pyprofile/ ProfileDownloadView open
  GET request/<uuid:request_id>/json/ ProfileDotView open
  GET,POST request/<uuid:request_id>/profiling/ ProfilingView open
  GET request/<uuid:request_id>/profile/<int:profile_id>/ ProfilingDetailView open
  GET request/<uuid:request_id>/profile/<int:profile_id>/sql/ SQLView open
  GET request/<uuid:request_id>/profile/<int:profile_id>/sql/<int:sql_id>/ SQLDetailView open
  GET profile/<int:profile_id>/ ProfilingDetailView open
  GET profile/<int:profile_id>/sql/ SQLView open
  GET profile/<int:profile_id>/sql/<int:sql_id>/ SQLDetailView open
  GET,POST profiling/ ProfilingView open
  GET,POST cleardb/ ClearDBView open
  GET request/<uuid:request_id>/cprofile/ CProfileView open
explorer.urls
  GET,POST <int:query_id>/ QueryView user
  GET <int:query_id>/download DownloadQueryView user
  GET <int:query_id>/stream StreamQueryView user
  POST download DownloadFromSqlView user
  POST <int:query_id>/email_csv EmailCsvQueryView user
  GET,POST <int:pk>/delete DeleteQueryView user
  GET,POST,PUT new/ CreateQueryView user
  GET,POST play/ PlayQueryView user
  GET schema/<path:connection> SchemaView user
  GET schema.json/<path:connection> SchemaJsonView user
  GET logs/ ListQueryLogView user
  POST format/ format_sql user
  GET favorites/ QueryFavoritesView user
  GET,POST favorite/<int:query_id> QueryFavoriteView user
  GET "" ListQueryView user
  POST assistant/ AssistantHelpView user
  POST assistant/history/ AssistantHistoryApiView user
  GET table-descriptions/ TableDescriptionListView user
  GET,POST,PUT table-descriptions/new/ TableDescriptionCreateView user
  GET,POST,PUT table-descriptions/<int:pk>/update/ TableDescriptionUpdateView user
  GET,POST table-descriptions/<int:pk>/delete/ TableDescriptionDeleteView user
  GET connections/ DatabaseConnectionsListView user
  POST connections/upload/ UploadDbView user
  GET connections/<int:pk>/ DatabaseConnectionDetailView user
  GET,POST,PUT connections/new/ DatabaseConnectionCreateView user
  GET connections/create_upload/ DatabaseConnectionUploadCreateView user
  GET,POST,PUT connections/<int:pk>/edit/ DatabaseConnectionUpdateView user
  GET,POST connections/<int:pk>/delete/ DatabaseConnectionDeleteView user
  POST connections/validate/ DatabaseConnectionValidateView user
  GET connections/<int:pk>/refresh/ DatabaseConnectionRefreshView user
"""


def served() -> dict[str, list[Row]]:
    """Each module of URLs with its rows; `include` takes in those of a module above."""
    modules: dict[str, list[Row]] = {}
    rows: list[Row] = []
    for line in _TABLE.strip().splitlines():
        if not line.startswith(" "):
            rows = modules[line] = []
            continue
        match line.split():
            case ["include", module]:
                rows += modules[module]
            case [methods, route, view, who]:
                rows.append(
                    (tuple(methods.split(",")), route.strip('"'), view, who.replace("-", " "))
                )
    return modules
